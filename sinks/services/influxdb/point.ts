import { hash } from 'node:crypto';
import { z } from 'zod';
import { eventSchemas } from '../../../taxonomy/index.ts';
import { clip } from '../../shape.ts';
import type { FieldValue, SinkEvent } from '../../sink.ts';
import type { LineValue, Point } from './line.ts';
import { fieldSet, type KnownField } from '../../event/field-classes.ts';

/**
 * The tags: those of Clowder's own consumer, and the few others by which reports are grouped. Each value makes a series
 * of its own, so names and ids of resources are fields.
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

/** Whole numbers under names that only published bodies have. */
const PUBLISHED_INTEGERS = ['size', 'uptime'] as const satisfies readonly KnownField[];
const LONGEST_TEXT_BYTES = 65_535;
const NS_PER_MS = 1_000_000n;
/** What fits into InfluxDB's nanoseconds: the years 1677 to 2262. */
const FARTHEST_MS = 9_223_372_036_854;

/** How a field is written: a field of a measurement has one type for ever. Names that are not here are told by their value. */
const KINDS: ReadonlyMap<string, LineValue['kind']> = kindsOfFields();

/** The taxonomy's fields, each with the one type that all its event types agree on; text if they do not. */
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
  /** Whether the event's id is a tag, so that no two events can be the same point. */
  readonly idAsTag: boolean;
}

/** Why no point can be made of the event, or undefined. */
export function whyNoPoint({ createdMs }: SinkEvent): string | undefined {
  if (Number.isInteger(createdMs) && Math.abs(createdMs) <= FARTHEST_MS) return undefined;
  return `created is ${createdMs}: InfluxDB takes whole milliseconds of the years 1677 to 2262`;
}

/**
 * The event as a point. InfluxDB has one point for each series and time, and a later one overwrites it: so the time is
 * the event's millisecond and, below it, nanoseconds that follow from the event's id. Two events of one millisecond stay
 * two, and an event that is sent again is the same point.
 */
export function toPoint({ id, type, createdMs, fields }: SinkEvent, { measurement, idAsTag }: PointOptions): Point {
  const tags: [string, string][] = [['event', type]];
  // Every point must have a field. Where the id is a tag, it has another name as one: a name is not both.
  const values: [string, LineValue][] = [[idAsTag ? 'id' : 'event_id', { kind: 'text', value: id }]];
  if (idAsTag) tags.push(['event_id', id]);
  for (const [name, value] of Object.entries(fields)) {
    if (name === 'event' || name === 'event_id' || name === 'created') continue;
    if (TAGS.has(name)) tags.push([name, tagValue(value)]);
    else values.push([allowed(name), lineValue(name, value)]);
  }
  return { measurement, tags, fields: values, timeNs: BigInt(createdMs) * NS_PER_MS + nanoseconds(id) };
}

/** From 0 to 999,999, by the id alone. */
function nanoseconds(id: string): bigint {
  return BigInt(`0x${hash('sha256', id, 'hex').slice(0, 12)}`) % NS_PER_MS;
}

/** As Clowder's own consumer writes it, which is Python: `True` and `False`. */
function tagValue(value: FieldValue): string {
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  return String(value);
}

/** InfluxDB keeps `time` and names with an underscore before them for itself. */
function allowed(name: string): string {
  return name === 'time' || name.startsWith('_') ? `clowder_${name}` : name;
}

/** By the field's own type. What does not fit it goes as it is: the server says that it conflicts, and nothing is bent. */
function lineValue(name: string, value: FieldValue): LineValue {
  const kind = KINDS.get(name);
  if (typeof value === 'boolean' && kind !== 'text') return { kind: 'boolean', value };
  if (typeof value === 'number' && kind !== 'text')
    return { kind: kind === 'integer' && Number.isSafeInteger(value) ? 'integer' : 'float', value };
  return { kind: 'text', value: bounded(String(value)) };
}

function bounded(text: string): string {
  // At three bytes a character at most: of four bytes are only pairs.
  return Buffer.byteLength(text) <= LONGEST_TEXT_BYTES ? text : clip(text, Math.floor(LONGEST_TEXT_BYTES / 3));
}
