import { ATTRIBUTE_OF_FIELD } from '../../taxonomy/attributes.ts';
import { checkCreated, missingStated } from '../../taxonomy/check-draft.ts';
import { eventSchemas, type EventType } from '../../taxonomy/event-types.ts';
import { redactFields } from '../../taxonomy/redaction.ts';
import { fieldsByProperty } from './properties.ts';

/** An event as a log record states it. */
export interface Statement {
  readonly eventId: string;
  /** When it happened. */
  readonly at: Date;
  /** By the names of ATTRIBUTE_OF_FIELD, `clowder.event.id` among them; secrets redacted. */
  readonly attributes: Record<string, string | number | boolean>;
  /** What is wrong with it, a sentence each, without the values: they may be secrets. Empty if nothing is. */
  readonly problems: readonly string[];
}

export interface StatementDefaults {
  readonly eventId: string;
  /** The time now. */
  readonly at: Date;
}

/**
 * From what a caller gave to what leaves. Nothing is thrown whatever was given: what no attribute can carry is left out,
 * free text that is too long is cut, and everything that the collector would find wrong is told as a problem.
 *
 * @param input by the names of `EventInput`; undefined and null count as absent
 */
export function stateEvent(
  type: EventType,
  input: Readonly<Record<string, unknown>>,
  defaults: StatementDefaults,
): Statement {
  const problems: string[] = [];
  const eventId = eventIdOf(input['eventId'], problems) ?? defaults.eventId;
  const at = dateOf(input['at'], problems) ?? defaults.at;
  const data = dataOf(type, input, problems);
  redactFields(data);
  const draft = { ...data, event: type, event_id: eventId, created: at.getTime() };
  for (const { field, message } of missingStated(type, draft)) problems.push(`${field} ${message}`);
  const time = checkCreated(draft.created, defaults.at.getTime());
  if (time !== undefined) problems.push(`at ${time.message}, may be ${time.expected}`);
  const checked = eventSchemas[type].safeParse(draft);
  for (const issue of checked.error?.issues ?? []) {
    const field = issue.path.join('.');
    const value = data[field];
    if (issue.code === 'too_big' && typeof value === 'string' && !field.endsWith('_id')) {
      data[field] = value.slice(0, Number(issue.maximum));
      problems.push(`${field} is cut to ${issue.maximum} characters`);
    } else problems.push(`${field} ${issue.message}`);
  }
  return { eventId, at, attributes: attributesOf(data, eventId), problems };
}

function eventIdOf(value: unknown, problems: string[]): string | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'string' && value !== '') return value;
  problems.push('eventId must be text that is not empty: a new id is used');
  return undefined;
}

function dateOf(value: unknown, problems: string[]): Date | undefined {
  if (value === undefined || value === null) return undefined;
  if (value instanceof Date || typeof value === 'number') {
    // Whole milliseconds; and a number as such, the SDK would take a small one for an offset since the process began.
    const date = new Date(value);
    if (!Number.isNaN(date.getTime())) return date;
  }
  problems.push('at must be a date, or Unix time in milliseconds: the current time is used');
  return undefined;
}

/** The data fields that were given, under their own names. */
function dataOf(
  type: EventType,
  input: Readonly<Record<string, unknown>>,
  problems: string[],
): Record<string, unknown> {
  const fields = fieldsByProperty(type);
  const data: Record<string, unknown> = {};
  for (const [property, value] of Object.entries(input)) {
    if (value === undefined || value === null || property === 'at' || property === 'eventId') continue;
    const field = fields.get(property);
    if (field === undefined)
      problems.push(`${property.slice(0, 100)} is not a field of this event; known: ${[...fields.keys()].join(', ')}`);
    else data[field] = value;
  }
  return data;
}

function attributesOf(data: Readonly<Record<string, unknown>>, eventId: string): Statement['attributes'] {
  const attributes: Statement['attributes'] = { [ATTRIBUTE_OF_FIELD.event_id]: eventId };
  for (const [field, name] of Object.entries(ATTRIBUTE_OF_FIELD)) {
    const value = data[field];
    if (typeof value === 'string' || typeof value === 'boolean' || Number.isFinite(value))
      attributes[name] = value as string | number | boolean;
  }
  return attributes;
}
