import { hash } from 'node:crypto';
import { z } from 'zod';
import { eventSchemas } from '../../../taxonomy/index.ts';
import { clip } from '../../shape.ts';
import type { FieldValue, SinkEvent } from '../../sink.ts';
import type { LineValue, Point } from './line.ts';
import { fieldSet, type KnownField } from '../../event/field-classes.ts';

/**
 * The tags: those of Clowder's own consumer, and a few others that reports group by. Each value makes a new series, so names
 * and ids of resources are fields.
 */
const TAGS = fieldSet(
  'type',
  'category',
  'user_id',
  'author_id',
  'extractor_name',
  'healthy',
  'event',
  'client_kind',
  'clowder_instance',
  'component',
);

/** Integer fields that only published bodies have. */
const PUBLISHED_INTEGERS = ['size', 'uptime'] as const satisfies readonly KnownField[];
const LONGEST_TEXT_BYTES = 65_535;
const NS_PER_MS = 1_000_000n;
/** Range of InfluxDB's nanoseconds: the years 1677 to 2262. */
const FARTHEST_MS = 9_223_372_036_854;

/**
 * The type of each field, because a field of a measurement keeps one type forever. The type of any other name follows from its
 * value.
 */
const KINDS: ReadonlyMap<string, LineValue['kind']> = kindsOfFields();

/** Returns the type of each taxonomy field: the one that all event types agree on, otherwise text. */
function kindsOfFields(): ReadonlyMap<string, LineValue['kind']> {
  const kinds = new Map<string, LineValue['kind']>(PUBLISHED_INTEGERS.map((name) => [name, 'integer']));
  for (const schema of Object.values(eventSchemas)) {
    for (const [name, property] of Object.entries(z.toJSONSchema(schema).properties ?? {})) {
      const kind = kindOf(property);
      kinds.set(name, (kinds.get(name) ?? kind) === kind ? kind : 'text');
    }
  }
  return kinds;
}

function kindOf(property: unknown): LineValue['kind'] {
  const type = typeof property === 'object' && property !== null && 'type' in property ? property.type : undefined;
  if (type === 'integer' || type === 'boolean') return type;
  return type === 'number' ? 'float' : 'text';
}

export interface PointOptions {
  readonly measurement: string;
  /** Whether the event's id is a tag, so that no two events are the same point. */
  readonly idAsTag: boolean;
}

/** Returns why an event cannot be a point; undefined if it can. */
export function whyNoPoint({ createdMs }: SinkEvent): string | undefined {
  if (Number.isInteger(createdMs) && Math.abs(createdMs) <= FARTHEST_MS) return undefined;
  return `created is ${createdMs}: InfluxDB takes whole milliseconds of the years 1677 to 2262`;
}

/**
 * Converts an event to a point. InfluxDB keeps one point per series and time, and a later one overwrites it. So the time is the
 * event's millisecond plus nanoseconds derived from its id. Two events in one millisecond stay separate, and a resent event is
 * the same point.
 */
export function toPoint({ id, type, createdMs, fields }: SinkEvent, { measurement, idAsTag }: PointOptions): Point {
  const tags: [string, string][] = [['event', type]];
  // Every point needs a field. If the id is a tag, the field has another name, because a name cannot be both.
  const values: [string, LineValue][] = [[idAsTag ? 'id' : 'event_id', { kind: 'text', value: id }]];
  if (idAsTag) tags.push(['event_id', id]);
  for (const [name, value] of Object.entries(fields)) {
    if (name === 'event' || name === 'event_id' || name === 'created') continue;
    if (TAGS.has(name)) tags.push([name, tagValue(value)]);
    else values.push([allowed(name), lineValue(name, value)]);
  }
  return { measurement, tags, fields: values, timeNs: BigInt(createdMs) * NS_PER_MS + nanoseconds(id) };
}

/** Returns 0 to 999,999, derived only from the id. */
function nanoseconds(id: string): bigint {
  return BigInt(`0x${hash('sha256', id, 'hex').slice(0, 12)}`) % NS_PER_MS;
}

/** Writes booleans as Clowder's own consumer does in Python: `True` and `False`. */
function tagValue(value: FieldValue): string {
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  return String(value);
}

/** InfluxDB reserves `time` and names that begin with an underscore. */
function allowed(name: string): string {
  return name === 'time' || name.startsWith('_') ? `clowder_${name}` : name;
}

/** Uses the field's own type. A value that does not fit keeps its own type, and the server reports the conflict. */
function lineValue(name: string, value: FieldValue): LineValue {
  const kind = KINDS.get(name);
  if (typeof value === 'boolean' && kind !== 'text') return { kind: 'boolean', value };
  if (typeof value === 'number' && kind !== 'text')
    return { kind: kind === 'integer' && Number.isSafeInteger(value) ? 'integer' : 'float', value };
  return { kind: 'text', value: bounded(String(value)) };
}

function bounded(text: string): string {
  // A UTF-16 unit takes at most three bytes; only surrogate pairs take four.
  return Buffer.byteLength(text) <= LONGEST_TEXT_BYTES ? text : clip(text, Math.floor(LONGEST_TEXT_BYTES / 3));
}
