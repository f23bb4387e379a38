import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { ATTRIBUTE_OF_FIELD, type FieldWithoutAttribute } from '../taxonomy/attributes.ts';
import { commonFields } from '../taxonomy/event-fields.ts';
import { eventSchemas, eventTraits, EVENT_TYPES, type EventType } from '../taxonomy/event-types.ts';
import { EVENTS_API_PAGE, withErrors } from './errors-table.ts';
import { objectSchema, requirements, type FieldSchema, type ObjectSchema } from './event-schema.ts';
import { dashboardFile, DASHBOARDS } from './grafana/dashboards.ts';
import { grafanaJson } from './grafana/json.ts';
import { MANUAL_EVENTS_PAGE, withTables } from './manual-events-tables.ts';
import { OPERATE_PAGE, withMetrics } from './metrics-table.ts';
import { registryFiles } from './registry.ts';

/** Path of the generated page. */
export const EVENTS_PAGE = fileURLToPath(new URL('../docs/events.md', import.meta.url));

const ATTRIBUTES: Readonly<Record<string, string>> = ATTRIBUTE_OF_FIELD;

/** Sources of common fields that no attribute fills. */
const FROM_THE_RECORD: Readonly<Record<string, string>> = {
  event: '',
  created: "(the record's time)",
  trace_id: "(the record's trace)",
  span_id: "(the record's span)",
  client_id: '(computed)',
  recovered: '(set by the collector)',
} satisfies Readonly<Record<FieldWithoutAttribute, string>>;

/** docs/events.md, from the taxonomy: the same input gives the same text. */
export function eventsPage(): string {
  const common = objectSchema(z.object(commonFields));
  const chapters = [
    INTRODUCTION,
    contents(),
    commonChapter(common),
    ...EVENT_TYPES.map((type) => typeChapter(type, common)),
  ];
  return `${chapters.join('\n\n')}\n`;
}

const INTRODUCTION = `# Events

<!-- Generated from taxonomy/event-types.ts and taxonomy/attributes.ts by \`npm run docs\`. Do not edit. -->

Every event is one flat JSON object. \`event\` is its type, and is also the routing key in RabbitMQ. A field that is not
known is absent, never null. Three ways to state an event carry the same fields:

- POST to the [events API](events-api.md): the field names of this page.
- OTel log record with the event name \`clowder.<type>\`, or a span event of that name ([send-otlp.md](send-otlp.md)): the
  attribute names of this page.
- Clowder's own HTTP traffic, observed: the collector fills the fields itself.

**Required** in the tables means: required of an event that somebody states. "one of" means that at least one of the
fields so marked must be there. An event derived from HTTP traffic can lack them where the response does not tell.`;

function contents(): string {
  const rows = EVENT_TYPES.map((type) => {
    const { v1, resource } = eventTraits[type];
    const v1Type = v1.type ?? resource?.type;
    return `| [\`${type}\`](#${anchor(type)}) | ${summaryOf(type)} | \`${v1.category}\` | ${v1Type === undefined ? '*resource_type*' : `\`${v1Type}\``} |`;
  });
  return ['| event | when | v1 `category` | v1 `type` |', '|---|---|---|---|', ...rows].join('\n');
}

function commonChapter(common: ObjectSchema): string {
  const rows = Object.entries(common.properties).map(([name, schema]) => row(name, schema, ''));
  return `## Common fields

Any event may carry these. \`event_id\` and \`created\` are filled by the collector where they are left out.

${table(rows)}

Names of Clowder v1's event sink are added to the published body: \`category\` and \`type\` as in the table above,
\`size\`, equal to \`bytes\`, and \`service_name\` and \`uptime\` ([rabbitmq.md](rabbitmq.md#consumers-written-for-clowder-v1)).`;
}

function typeChapter(type: EventType, common: ObjectSchema): string {
  const own = objectSchema(eventSchemas[type]);
  const { stated, resource, v1 } = eventTraits[type];
  const required = requirements(own, stated);
  const names = Object.keys(own.properties).filter(
    (name) => name !== 'event' && (!isSame(own.properties[name], common.properties[name]) || required.has(name)),
  );
  const rows = names.map((name) => row(name, own.properties[name] ?? {}, required.get(name) ?? ''));
  const v1Type = v1.type ?? resource?.type;
  const v1Names = `\`category\` = \`${v1.category}\`, \`type\` = ${v1Type === undefined ? 'the value of `resource_type`' : `\`${v1Type}\``}`;
  return [
    `## ${type}`,
    `${own.description ?? ''}. In Clowder v1's names: ${v1Names}.`,
    ...(resource !== undefined && resource.id !== 'resource_id'
      ? [`\`resource_id\` is \`${resource.id}\`, \`resource_type\` is \`${resource.type}\`.`]
      : []),
    rows.length === 0 ? 'No fields beside the common ones.' : table(rows),
  ].join('\n\n');
}

function table(rows: readonly string[]): string {
  return ['| field | type | required | OTel attribute | description |', '|---|---|---|---|---|', ...rows].join('\n');
}

function row(name: string, schema: FieldSchema, required: string): string {
  const attribute = ATTRIBUTES[name];
  const origin = attribute === undefined ? (FROM_THE_RECORD[name] ?? '') : `\`${attribute}\``;
  return `| \`${name}\` | ${typeOf(schema)} | ${required} | ${origin} | ${escape(schema.description ?? '')} |`;
}

function typeOf(schema: FieldSchema): string {
  if (schema.const !== undefined) return `\`${JSON.stringify(schema.const)}\``;
  if (schema.enum !== undefined) return schema.enum.map((value) => `\`${String(value)}\``).join(', ');
  if (schema.anyOf !== undefined) return schema.anyOf.map(typeOf).join(' or ');
  return schema.maxLength === undefined
    ? (schema.type ?? 'any')
    : `${schema.type ?? 'any'}, at most ${schema.maxLength} characters`;
}

function isSame(one: FieldSchema | undefined, other: FieldSchema | undefined): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

function summaryOf(type: EventType): string {
  return escape(eventSchemas[type].description ?? '');
}

/** Anchors as GitHub makes them: without full stops. */
function anchor(type: string): string {
  return type.replaceAll('.', '');
}

function escape(text: string): string {
  return text.replaceAll('|', '\\|');
}

function contentOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

/** Each file that is generated, or has a generated part. */
const FILES: readonly (readonly [name: string, file: string, text: (current: string) => string])[] = [
  ['docs/events.md', EVENTS_PAGE, eventsPage],
  ['docs/manual-events.md', MANUAL_EVENTS_PAGE, withTables],
  ['docs/operate.md', OPERATE_PAGE, withMetrics],
  ['docs/events-api.md', EVENTS_API_PAGE, withErrors],
  ...Object.entries(registryFiles()).map(
    ([name, text]) =>
      [
        `docs/registry/${name}`,
        fileURLToPath(new URL(`../docs/registry/${name}`, import.meta.url)),
        () => text,
      ] as const,
  ),
  ...Object.entries(DASHBOARDS).map(
    ([name, spec]) => [`deploy/grafana/${name}.json`, dashboardFile(name), () => grafanaJson(name, spec)] as const,
  ),
];

if (import.meta.main) {
  const [flag, ...rest] = process.argv.slice(2);
  if (rest.length > 0 || (flag !== undefined && flag !== '--check')) {
    console.error('usage: node tools/docs.ts [--check]');
    process.exitCode = 2;
  } else {
    for (const [name, file, text] of FILES) {
      const current = contentOf(file);
      if (flag === undefined) writeFileSync(file, text(current));
      else if (current !== text(current)) {
        console.error(`${name} is not what the sources say: run "npm run docs"`);
        process.exitCode = 1;
      }
    }
  }
}
