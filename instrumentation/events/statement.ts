import { ATTRIBUTE_OF_FIELD } from '../../taxonomy/attributes.ts';
import { checkCreated, missingStated } from '../../taxonomy/check-draft.ts';
import { eventSchemas, type EventType } from '../../taxonomy/event-types.ts';
import { redactFields } from '../../taxonomy/redaction.ts';
import { fieldsByProperty } from './properties.ts';

/** An event in the form of a log record. */
export interface Statement {
  readonly eventId: string;
  /** When it happened. */
  readonly at: Date;
  /** By the names of ATTRIBUTE_OF_FIELD, including `clowder.event.id`; secrets redacted. */
  readonly attributes: Record<string, string | number | boolean>;
  /** The event's problems, one sentence each, without values, which may be secrets. */
  readonly problems: readonly string[];
}

export interface StatementDefaults {
  readonly eventId: string;
  /** The current time. */
  readonly at: Date;
}

/**
 * Turns a caller's input into what is sent. Never throws: values that no attribute can carry are left out, overlong free text
 * is cut, and everything that the collector would reject is reported as a problem.
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
    // Converts a number to a Date: the SDK would take a small number for an offset since the process began.
    const date = new Date(value);
    if (!Number.isNaN(date.getTime())) return date;
  }
  problems.push('at must be a date, or Unix time in milliseconds: the current time is used');
  return undefined;
}

/** The given data fields, under their own names. */
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
