import {
  BACKSLASH,
  CLOSE_ARRAY,
  CLOSE_OBJECT,
  COLON,
  COMMA,
  endOfString,
  OPEN_ARRAY,
  OPEN_OBJECT,
  QUOTE,
  unexpected,
} from './json-bytes.ts';
import { JsonSkip } from './json-skip.ts';
import { CollectorError } from '../errors.ts';

/** Blanks in a row, and bytes of a key: what has more is walked in one go, and read by nobody. */
const RUN_MAX = 1024 * 1024;
const utf8 = new TextDecoder('utf-8', { ignoreBOM: true });

/**
 * Walks JSON (RFC 8259) in place: makes a value only when it is asked for, and keeps nothing of what it skips. To go through
 * members, and likewise elements:
 * `for (let more = reader.firstMember(); more; more = reader.nextMember()) { … reader.skip(); }`
 *
 * @throws CollectorError invalid_json; batch_too_large for more blanks in a row, or a longer key, than anybody sends
 */
export class JsonReader {
  readonly buffer: Uint8Array;
  /** Next byte to be read. */
  at: number;
  /** Key of the latest member. */
  key = '';
  readonly #skip: JsonSkip;

  constructor(buffer: Uint8Array, at = 0) {
    this.buffer = buffer;
    this.at = at;
    this.#skip = new JsonSkip(buffer);
  }

  /** Moves to the next byte that is not a blank. @returns the byte; undefined at the end @throws CollectorError batch_too_large */
  peek(): number | undefined {
    const last = this.at + RUN_MAX;
    while (isBlank(this.buffer[this.at])) {
      this.at += 1;
      if (this.at > last) throw tooLong('blanks in a row');
    }
    return this.buffer[this.at];
  }

  isObject(): boolean {
    return this.peek() === OPEN_OBJECT;
  }

  isArray(): boolean {
    return this.peek() === OPEN_ARRAY;
  }

  isString(): boolean {
    return this.peek() === QUOTE;
  }

  /** Enters an object. @returns false if it is empty */
  firstMember(): boolean {
    this.at += 1;
    if (this.peek() === CLOSE_OBJECT) return this.#leave();
    return this.#toKey();
  }

  /** Call this after the value of a member. @returns false at the end of the object */
  nextMember(): boolean {
    const byte = this.peek();
    if (byte === CLOSE_OBJECT) return this.#leave();
    if (byte !== COMMA) throw this.#unexpected();
    this.at += 1;
    return this.#toKey();
  }

  /** Enters an array. @returns false if it is empty */
  firstElement(): boolean {
    this.at += 1;
    return this.peek() === CLOSE_ARRAY ? this.#leave() : true;
  }

  /** Call this after an element. @returns false at the end of the array */
  nextElement(): boolean {
    const byte = this.peek();
    if (byte === CLOSE_ARRAY) return this.#leave();
    if (byte !== COMMA) throw this.#unexpected();
    this.at += 1;
    return true;
  }

  /** The next number or word as written, or the next string, decoded and preceded by a quote. */
  scalar(): string {
    this.peek();
    const start = this.at;
    if (this.buffer[start] === QUOTE) return `"${this.#string()}`;
    this.skip();
    return utf8.decode(this.buffer.subarray(start, this.at));
  }

  /** Skips the next value. */
  skip(): void {
    this.beginSkip();
    this.skipSome(Infinity);
  }

  beginSkip(): void {
    this.#skip.begin(this.at);
  }

  /** Skips about this many more bytes. @returns whether the value is skipped completely */
  skipSome(bytes: number): boolean {
    const isBehind = this.#skip.some(bytes);
    this.at = this.#skip.at;
    return isBehind;
  }

  /** How many values the value skipped last contained, counting itself and nested values. */
  get skippedValues(): number {
    return this.#skip.values;
  }

  /** Checks that nothing follows the last value. */
  end(): void {
    if (this.peek() !== undefined) throw this.#unexpected();
  }

  #leave(): false {
    this.at += 1;
    return false;
  }

  #toKey(): true {
    if (this.peek() !== QUOTE) throw this.#unexpected();
    this.key = this.#string(RUN_MAX);
    if (this.peek() !== COLON) throw this.#unexpected();
    this.at += 1;
    return true;
  }

  /** Reads the string that begins here. */
  #string(mostBytes = Infinity): string {
    const start = this.at;
    this.at = endOfString(this.buffer, start + 1, start + 1 + mostBytes);
    if (this.at < 0) throw tooLong('bytes in a key');
    const inner = this.buffer.subarray(start + 1, this.at - 1);
    if (!inner.includes(BACKSLASH)) return utf8.decode(inner);
    return String(JSON.parse(utf8.decode(this.buffer.subarray(start, this.at))));
  }

  #unexpected(): Error {
    return unexpected(this.buffer, this.at);
  }
}

const isBlank = (byte: number | undefined): boolean => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;

const tooLong = (what: string): CollectorError =>
  new CollectorError('batch_too_large', `The body has more than ${RUN_MAX} ${what}: send less at once`);
