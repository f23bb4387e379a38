import { mayBeRead, mayBeReadOfResource } from '../../taxonomy/attributes.ts';
import type { AttributeValue, Attributes } from '../../taxonomy/telemetry.ts';
import { hasTooMany, MEMBERS_MAX, RECORD_BYTES_MAX, takesTooMuch, TEXT_BYTES_MAX } from './decoding.ts';
import { JsonReader } from './json-reader.ts';
import { cut } from '../../taxonomy/text.ts';
import { ATTRIBUTES_MAX, DEPTH_MAX } from './values.ts';
import { readOnce } from './read-once.ts';

/** Prefix of complete paths, which are not within a record: those of resources. */
const WHOLE = 'resource';

/** One record of a JSON request is invalid. The others are still read. */
export class UnreadableRecord extends Error {
  override readonly name = 'UnreadableRecord';
  readonly path: string;
  readonly what: string;

  constructor(path: string, what: string) {
    super(path === '' ? what : `${path} ${what}`);
    this.path = path;
    this.what = what;
  }

  /** The same error, with the path of what contains it. */
  within(path: string): UnreadableRecord {
    if (this.path.startsWith(WHOLE)) return this;
    const inner = this.path === '' || this.path.startsWith('[') ? this.path : `.${this.path}`;
    return new UnreadableRecord(path + inner, this.what);
  }
}

/** A value for a message, of bounded length. */
function shown(text: string): string {
  if (text.startsWith('{') || text.startsWith('[')) return 'an object or array';
  return text.startsWith('"') ? JSON.stringify(text.slice(1, 60)) : text.slice(0, 60);
}

const wrong = (path: string, mustBe: string, text: string): UnreadableRecord =>
  new UnreadableRecord(path, `must be ${mustBe}, was ${shown(text)}`);

/** The next scalar; undefined for null, which means unset (ProtoJSON). */
function scalar(reader: JsonReader): string | undefined {
  const text = reader.scalar();
  return text === 'null' ? undefined : text;
}

export function readString(reader: JsonReader, path: string): string {
  const text = scalar(reader);
  if (text === undefined) return '';
  if (!text.startsWith('"')) throw wrong(path, 'a string', text);
  return text.length > TEXT_BYTES_MAX ? cut(text.slice(1), TEXT_BYTES_MAX) : text.slice(1);
}

/** An integer, as a number or as text, perhaps with an exponent; undefined if unset. */
function readInteger(reader: JsonReader, path: string, mustBe: string): bigint | undefined {
  const text = scalar(reader);
  if (text === undefined || text === '"') return undefined;
  const value = integerOf(text.replace(/^"/, ''));
  if (value === undefined) throw wrong(path, mustBe, text);
  return value;
}

/** The value of a decimal number; undefined if it is not whole, or too long to fit into 64 bits. */
function integerOf(text: string): bigint | undefined {
  const parts = /^(-?)(\d{1,50})(?:\.(\d{1,50}))?(?:[eE]([+-]?\d{1,3}))?$/.exec(text);
  if (parts === null) return undefined;
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = parts;
  const digits = whole + fraction;
  const zeros = Number(exponent) - fraction.length;
  if (zeros > 50) return /^0+$/.test(digits) ? 0n : undefined;
  if (zeros >= 0) return BigInt(`${sign}${digits}${'0'.repeat(zeros)}`);
  const kept = digits.slice(0, zeros);
  return /^0*$/.test(digits.slice(zeros)) ? BigInt(`${sign}${kept === '' ? '0' : kept}`) : undefined;
}

export function readUnsigned(reader: JsonReader, path: string): bigint {
  const value = readInteger(reader, path, 'a non-negative integer') ?? 0n;
  if (value < 0n) throw wrong(path, 'a non-negative integer', String(value));
  if (value >= 2n ** 64n) throw wrong(path, 'less than 2^64', String(value));
  return value;
}

export function readLong(reader: JsonReader, path: string): bigint | undefined {
  const value = readInteger(reader, path, 'an integer');
  if (value !== undefined && BigInt.asIntN(64, value) !== value) throw wrong(path, 'within 64 bits', String(value));
  return value;
}

export function readDouble(reader: JsonReader, path: string): number | undefined {
  const text = scalar(reader);
  if (text === undefined) return undefined;
  const plain = text.replace(/^"/, '');
  if (!/^(?:NaN|-?Infinity|-?\d[\d.eE+-]*)$/.test(plain) || (Number.isNaN(Number(plain)) && plain !== 'NaN'))
    throw wrong(path, 'a number', text);
  return Number(plain);
}

export function readEnum(reader: JsonReader, path: string): number {
  if (reader.isString()) throw wrong(path, 'an integer (OTLP/JSON has no enum names)', reader.scalar());
  return Number(readInteger(reader, path, 'an integer (OTLP/JSON has no enum names)') ?? 0n);
}

/** A trace or span id in lower-case hex; '' if unset or all zero. */
export function readId(reader: JsonReader, bytes: 8 | 16, path: string): string {
  const text = readString(reader, path).toLowerCase();
  if (text === '') return '';
  if (text.length !== bytes * 2 || !/^[0-9a-f]+$/.test(text)) throw wrong(path, `${bytes * 2} hex digits`, `"${text}`);
  return /^0+$/.test(text) ? '' : text;
}

/** Goes through an array, by index. Does nothing if it is unset. */
export function eachElement(reader: JsonReader, path: string, read: (index: number) => void): void {
  if (!reader.isArray()) {
    const text = scalar(reader);
    if (text === undefined) return;
    throw new UnreadableRecord(path, 'must be an array');
  }
  let index = 0;
  for (let more = reader.firstElement(); more; more = reader.nextElement()) read(index++);
}

/** Goes through an object, by `reader.key`, and skips members that `read` does not read. Does nothing if it is unset. */
export function eachMember(reader: JsonReader, path: string, read: (key: string) => boolean): void {
  if (!reader.isObject()) {
    if (scalar(reader) === undefined) return;
    throw new UnreadableRecord(path, 'must be an object');
  }
  for (let more = reader.firstMember(); more; more = reader.nextMember()) if (!read(reader.key)) reader.skip();
}

/** Values that one record may have. Each attribute takes four. */
const VALUES_MAX = 4 * MEMBERS_MAX;

/** Call this after skipping a record, before reading it. @throws UnreadableRecord */
export function refuseMany(reader: JsonReader, path: string): void {
  if (reader.skippedValues > VALUES_MAX) throw new UnreadableRecord(path, hasTooMany('values', VALUES_MAX));
}

/** An `AnyValue`; null if none is set. */
export function readAnyValue(reader: JsonReader, path: string, depth = 0): AttributeValue {
  if (depth > DEPTH_MAX) {
    reader.skip();
    return null;
  }
  let value: AttributeValue = null;
  eachMember(reader, path, (kind) => {
    const read = VALUES.get(kind);
    if (read === undefined) return false;
    const given = read(reader, `${path}.${kind}`, depth);
    if (given !== undefined) value = given;
    return true;
  });
  return value;
}

type ReadValue = (reader: JsonReader, path: string, depth: number) => AttributeValue | undefined;

/** Readers for the kinds of an `AnyValue`. They return undefined if the value is unset. */
const VALUES: ReadonlyMap<string, ReadValue> = new Map<string, ReadValue>([
  ['stringValue', (reader, path) => unless(reader, () => readString(reader, path))],
  ['boolValue', (reader, path) => unless(reader, () => readBoolean(reader, path))],
  ['intValue', readLong],
  ['doubleValue', readDouble],
  [
    'bytesValue',
    (reader, path) => unless(reader, () => new Uint8Array(Buffer.from(readString(reader, path), 'base64'))),
  ],
  ['arrayValue', (reader, path, depth) => unless(reader, () => readArray(reader, path, depth + 1))],
  ['kvlistValue', (reader, path, depth) => unless(reader, () => readMap(reader, path, depth + 1))],
]);

/** @returns undefined if null comes next */
function unless<T>(reader: JsonReader, read: () => T): T | undefined {
  if (reader.peek() !== LETTER_N) return read();
  reader.skip();
  return undefined;
}

/** Only the word null begins with it. */
const LETTER_N = 0x6e;

function readBoolean(reader: JsonReader, path: string): boolean {
  const text = reader.scalar();
  if (text !== 'true' && text !== 'false') throw wrong(path, 'true or false', text);
  return text === 'true';
}

function readArray(reader: JsonReader, path: string, depth: number): AttributeValue[] {
  const values: AttributeValue[] = [];
  eachMember(reader, path, (key) => {
    if (key !== 'values') return false;
    eachElement(reader, `${path}.values`, (index) =>
      values.push(readAnyValue(reader, `${path}.values[${index}]`, depth)),
    );
    return true;
  });
  return values;
}

function readMap(reader: JsonReader, path: string, depth: number): Record<string, AttributeValue> {
  const values: Record<string, AttributeValue> = {};
  eachMember(reader, path, (key) => {
    if (key !== 'values') return false;
    eachKeyValue(reader, `${path}.values`, (name, readValue) => {
      if (name !== '__proto__') values[name] = readValue(depth);
    });
    return true;
  });
  return values;
}

/** Goes through `KeyValue`s. `onPair` may read the value, but need not. */
function eachKeyValue(
  reader: JsonReader,
  path: string,
  onPair: (key: string, readValue: (depth: number) => AttributeValue) => void,
): void {
  eachElement(reader, path, (index) => {
    let name = '';
    let valueAt = -1;
    eachMember(reader, `${path}[${index}]`, (key) => {
      if (key === 'key') name = readString(reader, `${path}[${index}].key`);
      else if (key === 'value') {
        reader.peek();
        valueAt = reader.at;
        return false;
      } else return false;
      return true;
    });
    const end = reader.at;
    onPair(name, (depth) => {
      if (valueAt === -1) return null;
      reader.at = valueAt;
      try {
        return readAnyValue(reader, `${path}[${index}].value`, depth);
      } catch (error) {
        if (!(error instanceof UnreadableRecord)) throw error;
        throw new UnreadableRecord(`${error.path} (${name.slice(0, 100)})`, error.what);
      }
    });
    reader.at = end;
  });
}

/** The attributes of a record that may be read. If a key occurs twice, the last one counts. */
export function readAttributes(
  reader: JsonReader,
  path: string,
  isRead: (name: string) => boolean = mayBeRead,
): Attributes {
  const attributes: Record<string, AttributeValue> = {};
  let kept = 0;
  eachKeyValue(reader, path, (name, readValue) => {
    if (kept === ATTRIBUTES_MAX || !isRead(name)) return;
    attributes[name] = readValue(0);
    kept += 1;
  });
  return attributes;
}

/**
 * Attributes of the `Resource` that begins at this place, read when first asked for.
 *
 * @returns a function that gives them, or throws the same UnreadableRecord each time
 */
export const lazyResource = (body: Uint8Array, start: number, path: string): (() => Attributes) =>
  readOnce(() => readResource(body, start, path));

function readResource(body: Uint8Array, start: number, path: string): Attributes {
  const reader = new JsonReader(body, start);
  let attributes: Attributes = {};
  reader.beginSkip();
  if (!reader.skipSome(RECORD_BYTES_MAX)) throw new UnreadableRecord(path, takesTooMuch(reader.at - start));
  refuseMany(reader, path);
  reader.at = start;
  eachMember(reader, path, (key) => {
    if (key !== 'attributes') return false;
    attributes = readAttributes(reader, `${path}.attributes`, mayBeReadOfResource);
    return true;
  });
  return attributes;
}
