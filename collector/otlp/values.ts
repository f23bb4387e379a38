import { mayBeRead, mayBeReadOfResource } from '../../taxonomy/attributes.ts';
import type { AttributeValue, Attributes } from '../../taxonomy/telemetry.ts';
import { CollectorError } from '../errors.ts';
import { hasTooMany, MEMBERS_MAX, RECORD_BYTES_MAX, takesTooMuch } from './decoding.ts';
import { BYTES, VARINT, WireReader } from './wire.ts';
import { readOnce } from './read-once.ts';

/** Most attributes of one record that are kept. */
export const ATTRIBUTES_MAX = 1000;
/** Values that are nested deeper count as unset. */
export const DEPTH_MAX = 32;

/** Ranges of embedded messages in the body, as pairs of start and stop. */
export type Ranges = number[];

/** How many more values of a record may be read. */
interface Left {
  values: number;
}

/**
 * Attributes from the ranges of their `KeyValue` messages. Decodes only those that may be read. If a key occurs twice, the
 * last one counts.
 */
export function decodeAttributes(buffer: Uint8Array, ranges: Ranges, isRead = mayBeRead): Attributes {
  const attributes: Record<string, AttributeValue> = {};
  const reader = new WireReader(buffer);
  const left: Left = { values: MEMBERS_MAX };
  for (let index = 0, kept = 0; index < ranges.length && kept < ATTRIBUTES_MAX; index += 2) {
    const [from, end] = [ranges[index] ?? 0, ranges[index + 1] ?? 0];
    const key = keyOf(reader, from, end);
    if (!isRead(key)) continue;
    attributes[key] = valueOf(reader, from, end, 0, left);
    kept += 1;
  }
  return attributes;
}

/** The key of a `KeyValue`. */
function keyOf(reader: WireReader, from: number, end: number): string {
  reader.reset(from, end);
  let key = '';
  while (reader.next()) if (reader.field === 1 && reader.type === BYTES) key = reader.text();
  return key;
}

/** The value of a `KeyValue`. */
function valueOf(reader: WireReader, from: number, end: number, depth: number, left: Left): AttributeValue {
  reader.reset(from, end);
  let value: AttributeValue = null;
  while (reader.next())
    if (reader.field === 2 && reader.type === BYTES)
      value = decodeValue(reader.buffer, reader.start, reader.stop, depth, left);
  return value;
}

/** The body of a log record. */
export function decodeBody(buffer: Uint8Array, from: number, end: number): AttributeValue {
  return decodeValue(buffer, from, end, 0, { values: MEMBERS_MAX });
}

/** An `AnyValue`; null if none is set. */
function decodeValue(buffer: Uint8Array, from: number, end: number, depth: number, left: Left): AttributeValue {
  if (depth > DEPTH_MAX) return null;
  if (left.values === 0) throw new CollectorError('malformed_protobuf', `A record ${hasTooMany('values')}`);
  left.values -= 1;
  const reader = new WireReader(buffer, from, end);
  let value: AttributeValue = null;
  while (reader.next()) {
    switch (reader.field) {
      case 1:
        value = reader.text();
        break;
      case 2:
        value = isSet(reader);
        break;
      case 3:
        value = reader.int64();
        break;
      case 4:
        value = reader.double();
        break;
      case 5:
        reader.expect(BYTES);
        value = decodeArray(buffer, reader.start, reader.stop, depth + 1, left);
        break;
      case 6:
        reader.expect(BYTES);
        value = decodeMap(buffer, reader.start, reader.stop, depth + 1, left);
        break;
      case 7:
        value = reader.bytes();
        break;
    }
  }
  return value;
}

function isSet(reader: WireReader): boolean {
  reader.expect(VARINT);
  return reader.value !== 0;
}

function decodeArray(buffer: Uint8Array, from: number, end: number, depth: number, left: Left): AttributeValue[] {
  const reader = new WireReader(buffer, from, end);
  const values: AttributeValue[] = [];
  while (reader.next())
    if (reader.field === 1 && reader.type === BYTES)
      values.push(decodeValue(buffer, reader.start, reader.stop, depth, left));
  return values;
}

function decodeMap(
  buffer: Uint8Array,
  from: number,
  end: number,
  depth: number,
  left: Left,
): { [key: string]: AttributeValue } {
  const reader = new WireReader(buffer, from, end);
  const inner = new WireReader(buffer);
  const values: Record<string, AttributeValue> = {};
  while (reader.next()) {
    if (reader.field !== 1 || reader.type !== BYTES) continue;
    const key = keyOf(inner, reader.start, reader.stop);
    if (key !== '__proto__') values[key] = valueOf(inner, reader.start, reader.stop, depth, left);
  }
  return values;
}

/**
 * Attributes of a `Resource` message, decoded when first asked for.
 *
 * @returns a function that gives them, or throws the same error each time
 */
export const lazyResource = (buffer: Uint8Array, from: number, end: number): (() => Attributes) =>
  readOnce(() => readResource(buffer, from, end));

function readResource(buffer: Uint8Array, from: number, end: number): Attributes {
  if (end - from > RECORD_BYTES_MAX)
    throw new CollectorError('malformed_protobuf', `The resource ${takesTooMuch(end - from)}`);
  const reader = new WireReader(buffer, from, end);
  const ranges: Ranges = [];
  while (reader.next()) {
    if (reader.field !== 1 || reader.type !== BYTES) continue;
    if (ranges.length === 2 * MEMBERS_MAX)
      throw new CollectorError('malformed_protobuf', `The resource ${hasTooMany('attributes')}`);
    ranges.push(reader.start, reader.stop);
  }
  return decodeAttributes(buffer, ranges, mayBeReadOfResource);
}

/** A trace or span id in lower-case hex; '' if it has another length or is all zero. */
export function decodeId(reader: WireReader, bytes: 8 | 16): string {
  if (reader.stop - reader.start !== bytes) return '';
  const hex = reader.hex();
  return /^0+$/.test(hex) ? '' : hex;
}
