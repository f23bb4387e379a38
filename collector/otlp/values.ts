import { mayBeRead } from '../../taxonomy/attributes.ts';
import type { AttributeValue, Attributes } from '../../taxonomy/telemetry.ts';
import { CollectorError } from '../errors.ts';
import { BYTES, VARINT, WireReader } from './wire.ts';

/** Attributes of one record that are kept at most; of a record with more, only those that the mapping may read. */
export const ATTRIBUTES_MAX = 1000;
const DEPTH_MAX = 32;

/** Ranges of embedded messages in the body, as pairs of start and stop. */
export type Ranges = number[];

/** Attributes from the ranges of their `KeyValue` messages. Of a key that comes twice the last one counts. */
export function decodeAttributes(buffer: Uint8Array, ranges: Ranges): Attributes {
  const attributes: Record<string, AttributeValue> = {};
  const isMany = ranges.length > ATTRIBUTES_MAX * 2;
  let kept = 0;
  for (let index = 0; index < ranges.length && kept < ATTRIBUTES_MAX; index += 2) {
    const [from, end] = [ranges[index] ?? 0, ranges[index + 1] ?? 0];
    if (isMany && !mayBeRead(keyOf(buffer, from, end))) continue;
    decodeKeyValue(buffer, from, end, attributes, 0);
    kept += 1;
  }
  return attributes;
}

function keyOf(buffer: Uint8Array, from: number, end: number): string {
  const reader = new WireReader(buffer, from, end);
  while (reader.next()) if (reader.field === 1 && reader.type === BYTES) return reader.text();
  return '';
}

function decodeKeyValue(
  buffer: Uint8Array,
  from: number,
  end: number,
  into: Record<string, AttributeValue>,
  depth: number,
): void {
  const reader = new WireReader(buffer, from, end);
  let key = '';
  let value: AttributeValue = null;
  while (reader.next()) {
    if (reader.field === 1 && reader.type === BYTES) key = reader.text();
    else if (reader.field === 2 && reader.type === BYTES) value = decodeValue(buffer, reader.start, reader.stop, depth);
  }
  if (key === '__proto__') return;
  into[key] = value;
}

/** An `AnyValue`; null where none is set. */
export function decodeValue(buffer: Uint8Array, from: number, end: number, depth = 0): AttributeValue {
  if (depth > DEPTH_MAX) throw new CollectorError('malformed_protobuf', `A value is nested deeper than ${DEPTH_MAX}`);
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
        value = decodeArray(buffer, reader.start, reader.stop, depth + 1);
        break;
      case 6:
        reader.expect(BYTES);
        value = decodeMap(buffer, reader.start, reader.stop, depth + 1);
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

function decodeArray(buffer: Uint8Array, from: number, end: number, depth: number): AttributeValue[] {
  const reader = new WireReader(buffer, from, end);
  const values: AttributeValue[] = [];
  while (reader.next())
    if (reader.field === 1 && reader.type === BYTES) values.push(decodeValue(buffer, reader.start, reader.stop, depth));
  return values;
}

function decodeMap(buffer: Uint8Array, from: number, end: number, depth: number): { [key: string]: AttributeValue } {
  const reader = new WireReader(buffer, from, end);
  const values: Record<string, AttributeValue> = {};
  while (reader.next())
    if (reader.field === 1 && reader.type === BYTES) decodeKeyValue(buffer, reader.start, reader.stop, values, depth);
  return values;
}

/** Attributes of a `Resource` message, decoded when first asked for. */
export function lazyResource(buffer: Uint8Array, from: number, end: number): () => Attributes {
  let attributes: Attributes | undefined;
  return () => {
    if (attributes !== undefined) return attributes;
    const reader = new WireReader(buffer, from, end);
    const ranges: Ranges = [];
    while (reader.next()) if (reader.field === 1 && reader.type === BYTES) ranges.push(reader.start, reader.stop);
    attributes = decodeAttributes(buffer, ranges);
    return attributes;
  };
}

/** A trace or span id: lower-case hex, '' where it has another length or is all zero. */
export function decodeId(reader: WireReader, bytes: 8 | 16): string {
  if (reader.stop - reader.start !== bytes) return '';
  const hex = reader.hex();
  return /^0+$/.test(hex) ? '' : hex;
}
