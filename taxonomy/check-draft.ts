import type { z } from 'zod';
import { clientIdentity, clientKind, dayOf } from './client.ts';
import { SOURCES } from './event-fields.ts';
import {
  CLOCK_AHEAD_MS,
  EARLIEST_CREATED_MS,
  eventSchemas,
  eventTraits,
  isEventType,
  type EventType,
} from './event-types.ts';
import { toFlatBody, type FlatBody } from './flat-body.ts';
import type { MapContext } from './map/context.ts';
import { quickCheckOf, type QuickCheck } from './quick-check.ts';
import { redactFields, redactText } from './redaction.ts';
import { asText, cut, isText, previewOf, TEXT_MAX } from './text.ts';

/** What is wrong with one field of an event. */
export interface EventIssue {
  readonly field: string;
  readonly message: string;
  readonly received?: string;
  readonly expected?: string;
}

/** An event under construction: fields by name, including `event` and `created`, not yet checked. */
export type Draft = Record<string, unknown>;

/** In a failure, `draft` has reduced client fields and redacted secrets, and is safe to keep. */
export type CheckedDraft =
  | { readonly ok: true; readonly body: FlatBody }
  | { readonly ok: false; readonly issues: readonly EventIssue[]; readonly draft: Draft };

/** Fields that others write at any length. They are cut at the limit; in other fields, excess length is an error. */
const CLIPPED = [
  ['user_agent', 1024],
  ['url', 8192],
  ['referrer', 8192],
] as const;

/** Most issues reported for one event. */
const ISSUES_MAX = 20;
/** Longest field name repeated in an issue. */
const NAME_MAX = 100;

/**
 * Turns a draft into the flat body: reduces client fields to what may be kept, redacts secrets, checks everything against the
 * type's schema and adds the v1 names.
 *
 * @param draft `client_address` still in full; undefined values count as absent
 * @param strict whether a field that the type does not have is an error (posted events) or left out (telemetry)
 */
export function checkDraft(draft: Draft, context: MapContext, strict = false): CheckedDraft {
  const type = draft['event'];
  const prepared = clean(draft, context);
  if (!isEventType(type)) return { ok: false, issues: [unknownType(type)], draft: prepared };
  const issues: EventIssue[] = strict ? unknownFields(type, draft) : [];
  const checkedTime = checkCreated(draft['created'], context.now());
  if (checkedTime !== undefined) issues.push(checkedTime);
  const plain = issues.length === 0 ? QUICK[type](prepared) : undefined;
  if (plain !== undefined) return { ok: true, body: toFlatBody(plain as CheckedEvent) };
  const parsed = schemaOf(type).safeParse(prepared, { reportInput: true });
  if (!parsed.success)
    issues.push(
      ...parsed.error.issues
        .map((issue) => toIssue(issue, draft))
        .filter((issue) => issue.field !== 'created' || checkedTime === undefined),
    );
  if (issues.length > 0 || !parsed.success) return { ok: false, issues: issues.slice(0, ISSUES_MAX), draft: prepared };
  return { ok: true, body: toFlatBody(parsed.data as CheckedEvent) };
}

type CheckedEvent = Parameters<typeof toFlatBody>[0];

/** Fast checks, enough for valid events; they do not tell what is wrong. */
const QUICK = Object.fromEntries(
  Object.entries(eventSchemas).map(([type, schema]) => [type, quickCheckOf(schema)]),
) as Readonly<Record<EventType, QuickCheck>>;

function schemaOf(type: EventType): z.ZodType {
  return eventSchemas[type];
}

function clean(draft: Draft, context: MapContext): Draft {
  const event: Draft = { ...draft };
  const agent = typeof event['user_agent'] === 'string' ? event['user_agent'] : undefined;
  const address = typeof event['client_address'] === 'string' ? event['client_address'] : undefined;
  if (address !== undefined) {
    const created = typeof event['created'] === 'number' ? event['created'] : context.now();
    const identity = clientIdentity(address, agent ?? '', context.dayKey(dayOf(created)), context.addressPolicy);
    event['client_id'] ??= identity.id;
    event['client_address'] = identity.address;
  }
  event['client_kind'] ??= clientKind(agent);
  event['clowder_instance'] ??= context.instance;
  for (const field in event) {
    const value = event[field];
    if (typeof value === 'string' && !isText(value)) event[field] = asText(value);
  }
  for (const [field, limit] of CLIPPED) {
    const value = event[field];
    if (typeof value === 'string') event[field] = cut(value, limit);
  }
  redactFields(event);
  return event;
}

/** Tells what is wrong with an event time in Unix milliseconds; undefined if nothing is. */
export function checkCreated(created: unknown, now: number): EventIssue | undefined {
  const expected = `Unix milliseconds from ${EARLIEST_CREATED_MS} (the year 2000) to a day ahead of now`;
  if (created === undefined) return { field: 'created', message: 'is missing', expected };
  if (typeof created !== 'number' || !Number.isInteger(created)) {
    return { field: 'created', message: 'must be an integer', received: show(created), expected };
  }
  if (created >= EARLIEST_CREATED_MS && created <= now + CLOCK_AHEAD_MS) return undefined;
  return { field: 'created', message: 'is out of range', received: show(created), expected };
}

function unknownType(type: unknown): EventIssue {
  const expected = `one of ${Object.keys(eventSchemas).join(', ')}`;
  if (type === undefined) return { field: 'event', message: 'is missing', expected };
  return { field: 'event', message: 'is not an event type', received: show(type), expected };
}

function unknownFields(type: EventType, draft: Draft): EventIssue[] {
  const known = eventSchemas[type].shape;
  const unknown = Object.keys(draft).filter((field) => !Object.hasOwn(known, field) && draft[field] !== undefined);
  const told = unknown.length > ISSUES_MAX ? unknown.slice(0, ISSUES_MAX - 1) : unknown;
  const issues: EventIssue[] = told.map((field) => ({
    field: cut(field, NAME_MAX),
    message: `is not a field of ${type}`,
    expected: `only ${Object.keys(known).join(', ')}`,
  }));
  if (told.length < unknown.length)
    issues.push({ field: '', message: `and ${unknown.length - told.length} more are not fields of ${type}` });
  return issues;
}

/** Returns an issue for each group of which a stated event must name a field but does not. */
export function missingStated(type: EventType, draft: Draft): EventIssue[] {
  return eventTraits[type].stated
    .filter((group) => group.every((field) => draft[field] === undefined))
    .map((group) => ({
      field: group[0] ?? '',
      message: group.length > 1 ? `is missing: one of ${group.join(', ')} is required` : 'is missing',
      expected: 'a non-empty string',
    }));
}

/** @param draft as it was sent; long texts were not examined in full */
function toIssue(issue: z.core.$ZodIssue, draft: Draft): EventIssue {
  const field = issue.path.join('.');
  const sent = draft[field];
  const isCut = typeof sent === 'string' && sent.length > TEXT_MAX;
  if (issue.code === 'invalid_type' && issue.input === undefined)
    return { field, message: 'is missing', expected: issue.expected };
  return {
    field,
    message: issue.message,
    ...(issue.input === undefined ? {} : { received: show(isCut ? sent : issue.input) }),
    ...expectedOf(issue),
  };
}

function expectedOf(issue: z.core.$ZodIssue): { expected?: string } {
  if (issue.code === 'invalid_type') return { expected: issue.expected };
  if (issue.code === 'invalid_value') return { expected: `one of ${issue.values.map(String).join(', ')}` };
  if (issue.code === 'too_big') return { expected: `at most ${issue.maximum}` };
  return issue.code === 'too_small' ? { expected: `at least ${issue.minimum}` } : {};
}

/** Longer texts are reported without their length, because the OTLP reader may have cut them. */
const LENGTH_TOLD_TO = 100_000;

/** Returns a received value as text for a message: short and without secrets. */
export function show(value: unknown): string {
  const shown = redactText(previewOf(value));
  if (shown.length <= 120) return shown;
  return `${cut(shown, 100)}…${typeof value === 'string' ? ` (${lengthOf(value)} characters)` : ''}`;
}

const lengthOf = ({ length }: string): string =>
  length > LENGTH_TOLD_TO ? `more than ${LENGTH_TOLD_TO}` : String(length);

export function isSource(value: unknown): value is (typeof SOURCES)[number] {
  return typeof value === 'string' && (SOURCES as readonly string[]).includes(value);
}

/** Returns the issues as one line of text: each with the field, the received value and the allowed ones. */
export function issuesAsText(issues: readonly EventIssue[]): string {
  return issues
    .map(
      ({ field, message, received, expected }) =>
        `${field} ${message}${received === undefined ? '' : `, was ${received}`}${expected === undefined ? '' : `, may be ${expected}`}`,
    )
    .join('; ');
}
