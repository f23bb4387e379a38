import { fileURLToPath } from 'node:url';
import { fieldsByProperty } from '../instrumentation/events/properties.ts';
import { ATTRIBUTE_OF_FIELD } from '../taxonomy/attributes.ts';
import { commonFields } from '../taxonomy/event-fields.ts';
import { eventSchemas, eventTraits, EVENT_TYPES, type EventType } from '../taxonomy/event-types.ts';
import { objectSchema, requirements, type FieldSchema } from './event-schema.ts';

export const MANUAL_EVENTS_PAGE = fileURLToPath(new URL('../docs/manual-events.md', import.meta.url));

const BEGIN = '<!-- Generated from taxonomy/ by `npm run docs`: do not edit down to the end mark. -->';
const END = '<!-- end of the generated part -->';

/**
 * The page with the taxonomy's tables; the rest is unchanged.
 *
 * @throws Error if the page lacks the marks of the generated part
 */
export function withTables(page: string): string {
  const [before, rest, ...more] = page.split(BEGIN);
  const after = rest?.split(END)[1];
  if (before === undefined || after === undefined || more.length > 0)
    throw new Error(`docs/manual-events.md must have these lines once each: ${BEGIN} and ${END}`);
  return `${before}${BEGIN}\n\n${tables()}\n\n${END}${after}`;
}

type Field = keyof typeof ATTRIBUTE_OF_FIELD;

function tables(): string {
  return [
    '| event name | must have | may have |',
    '|---|---|---|',
    ...eventRows(),
    '',
    `Any of them may have ${nameList(EVERYWHERE)}.`,
    '',
    '| attribute | OTLP value | field of the event | about |',
    '|---|---|---|---|',
    ...attributeRows(),
  ].join('\n');
}

const nameOf = (field: Field): string => `\`${ATTRIBUTE_OF_FIELD[field]}\``;
const nameList = (fields: readonly Field[]): string => fields.map(nameOf).join(', ');
const fieldsOf = (type: EventType): readonly Field[] => [...fieldsByProperty(type).values()];

/** The common fields, which every type takes and some require. */
const EVERYWHERE = fieldsOf('user.login').filter((field) => Object.hasOwn(commonFields, field));

/** One row for all types with the same fields. */
function eventRows(): readonly string[] {
  const names = new Map<string, string[]>();
  for (const type of EVENT_TYPES) {
    const cells = `${mustHave(type)} | ${mayHave(type)}`;
    names.set(cells, [...(names.get(cells) ?? []), `\`clowder.${type}\``]);
  }
  return [...names].map(([cells, types]) => `| ${types.join(', ')} | ${cells} |`);
}

function requiredOf(type: EventType): ReadonlyMap<string, string> {
  return requirements(objectSchema(eventSchemas[type]), eventTraits[type].stated);
}

function mustHave(type: EventType): string {
  const required = requiredOf(type);
  const always = fieldsOf(type).filter((field) => required.get(field) === 'yes');
  const oneOf = fieldsOf(type).filter((field) => required.get(field) === 'one of');
  return [...always.map(nameOf), ...(oneOf.length === 0 ? [] : [`one of ${nameList(oneOf)}`])].join(', ');
}

function mayHave(type: EventType): string {
  const required = requiredOf(type);
  return nameList(fieldsOf(type).filter((field) => !required.has(field) && !EVERYWHERE.includes(field)));
}

interface Row {
  /** Those that every type with the attribute accepts. */
  values: readonly string[];
  readonly choices: Set<string>;
  readonly about: Set<string>;
}

/** Each attribute of any event, once. */
function attributeRows(): readonly string[] {
  const rows = new Map<Field, Row>();
  for (const type of EVENT_TYPES) {
    const { properties } = objectSchema(eventSchemas[type]);
    for (const field of fieldsOf(type)) {
      const schema = properties[field] ?? {};
      const values = [...new Set(valuesOf(schema))];
      const row = rows.get(field) ?? { values, choices: new Set(), about: new Set() };
      rows.set(field, row);
      row.values = row.values.filter((value) => values.includes(value));
      for (const choice of schema.enum ?? []) row.choices.add(`\`${String(choice)}\``);
      row.about.add(schema.description ?? '');
    }
  }
  return [
    ['`clowder.event.id`', '`stringValue`', '`event_id`', commonFields.event_id.description ?? ''],
    ...[...rows].map(([field, { values, choices, about }]) => [
      nameOf(field),
      values.join(' or ') + (choices.size === 0 ? '' : `: ${[...choices].join(', ')}`),
      `\`${field}\``,
      // A description from one type does not hold for all.
      about.size === 1 ? [...about].join('') : '',
    ]),
  ].map((cells) => `| ${cells.join(' | ')} |`);
}

const VALUES: Readonly<Record<string, readonly string[]>> = {
  string: ['`stringValue`'],
  integer: ['`intValue`'],
  number: ['`doubleValue`', '`intValue`'],
  boolean: ['`boolValue`'],
};

/** OTLP's form of a value (opentelemetry-proto common.proto, AnyValue). */
function valuesOf(schema: FieldSchema): readonly string[] {
  return schema.anyOf?.flatMap(valuesOf) ?? VALUES[schema.type ?? ''] ?? [];
}
