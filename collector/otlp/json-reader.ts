import { CollectorError } from '../errors.ts';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const [OPEN_OBJECT, CLOSE_OBJECT, OPEN_ARRAY, CLOSE_ARRAY, COMMA, COLON] = [0x7b, 0x7d, 0x5b, 0x5d, 0x2c, 0x3a];
const BLANKS: ReadonlySet<number> = new Set([0x20, 0x0a, 0x0d, 0x09]);
/** What may follow a backslash, `u` apart. */
const ESCAPES: ReadonlySet<number> = new Set(Buffer.from('"\\/bfnrt'));
const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;
/** Of a number, true, false and null. */
const WORD_MAX = 1000;
const utf8 = new TextDecoder('utf-8', { ignoreBOM: true });

/** What a value may be followed by, and what stands next: states of `skipSome`. */
const VALUE = 0;
const ELEMENT_OR_END = 1;
const KEY_OR_END = 2;
const KEY = 3;
const BEFORE_VALUE = 4;
const AFTER = 5;
type State = 0 | 1 | 2 | 3 | 4 | 5;

/**
 * Walks JSON (RFC 8259) in place: no value is copied or made before it is asked for, and nothing is kept of what is
 * skipped. A value's members and elements are gone through so:
 * `for (let more = reader.firstMember(); more; more = reader.nextMember()) { … reader.skip(); }`
 *
 * @throws CollectorError invalid_json where it is none
 */
export class JsonReader {
  readonly buffer: Uint8Array;
  /** Next byte to be read. */
  at: number;
  /** Of the latest member. */
  key = '';
  #state: State = VALUE;
  #depth = 0;
  /** By depth: whether it is an object. */
  #isObject = new Uint8Array(64);
  /** Within a string whose end was not reached yet. */
  #inString = false;

  constructor(buffer: Uint8Array, at = 0) {
    this.buffer = buffer;
    this.at = at;
  }

  /** Goes to the next byte that is no blank; undefined at the end. */
  peek(): number | undefined {
    while (BLANKS.has(this.buffer[this.at] ?? 0)) this.at += 1;
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

  /** Enters an object. @returns false where it is empty */
  firstMember(): boolean {
    this.at += 1;
    if (this.peek() === CLOSE_OBJECT) return this.#leave();
    return this.#toKey();
  }

  /** After the value of a member. @returns false at the end of the object */
  nextMember(): boolean {
    const byte = this.peek();
    if (byte === CLOSE_OBJECT) return this.#leave();
    if (byte !== COMMA) throw this.#unexpected();
    this.at += 1;
    return this.#toKey();
  }

  /** Enters an array. @returns false where it is empty */
  firstElement(): boolean {
    this.at += 1;
    return this.peek() === CLOSE_ARRAY ? this.#leave() : true;
  }

  /** After an element. @returns false at the end of the array */
  nextElement(): boolean {
    const byte = this.peek();
    if (byte === CLOSE_ARRAY) return this.#leave();
    if (byte !== COMMA) throw this.#unexpected();
    this.at += 1;
    return true;
  }

  /** The number, word or string that comes next, as it stands; strings as what they say, behind a quote. */
  scalar(): string {
    this.peek();
    const start = this.at;
    if (this.buffer[start] === QUOTE) return `"${this.#string()}`;
    this.skip();
    return utf8.decode(this.buffer.subarray(start, this.at));
  }

  /** Goes behind the value that comes next. */
  skip(): void {
    this.beginSkip();
    this.skipSome(Infinity);
  }

  beginSkip(): void {
    this.#state = VALUE;
    this.#depth = 0;
    this.#inString = false;
  }

  /** Goes on with skipping for about so many bytes. @returns whether it is behind the value */
  skipSome(bytes: number): boolean {
    const { buffer } = this;
    const pauseAt = this.at + bytes;
    while (this.at < pauseAt) {
      if (this.#inString) {
        if (!this.#endString(pauseAt)) return false;
        if (this.#isBehind()) return true;
        continue;
      }
      const byte = buffer[this.at] ?? -1;
      if (byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09) {
        this.at += 1;
        continue;
      }
      switch (this.#state) {
        case VALUE:
        case ELEMENT_OR_END:
          if (byte === QUOTE) {
            this.at += 1;
            this.#inString = true;
            this.#state = AFTER;
          } else if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) this.#open(byte === OPEN_OBJECT);
          else if (byte === CLOSE_ARRAY && this.#state === ELEMENT_OR_END) {
            if (this.#close()) return true;
          } else {
            this.#word();
            this.#state = AFTER;
            if (this.#isBehind()) return true;
          }
          break;
        case KEY_OR_END:
        case KEY:
          if (byte === QUOTE) {
            this.at += 1;
            this.#inString = true;
            this.#state = BEFORE_VALUE;
          } else if (byte === CLOSE_OBJECT && this.#state === KEY_OR_END) {
            if (this.#close()) return true;
          } else throw this.#unexpected();
          break;
        case BEFORE_VALUE:
          if (byte !== COLON) throw this.#unexpected();
          this.at += 1;
          this.#state = VALUE;
          break;
        case AFTER: {
          const isObject = this.#isObject[this.#depth] === 1;
          if (byte === COMMA) {
            this.at += 1;
            this.#state = isObject ? KEY : VALUE;
          } else if (byte === (isObject ? CLOSE_OBJECT : CLOSE_ARRAY)) {
            if (this.#close()) return true;
          } else throw this.#unexpected();
          break;
        }
      }
    }
    return false;
  }

  /** After the last value: nothing may follow. */
  end(): void {
    if (this.peek() !== undefined) throw this.#unexpected();
  }

  #leave(): false {
    this.at += 1;
    return false;
  }

  #toKey(): true {
    if (this.peek() !== QUOTE) throw this.#unexpected();
    this.key = this.#string();
    if (this.peek() !== COLON) throw this.#unexpected();
    this.at += 1;
    return true;
  }

  #open(isObject: boolean): void {
    this.at += 1;
    this.#depth += 1;
    if (this.#depth === this.#isObject.length) {
      const deeper = new Uint8Array(this.#depth * 2);
      deeper.set(this.#isObject);
      this.#isObject = deeper;
    }
    this.#isObject[this.#depth] = isObject ? 1 : 0;
    this.#state = isObject ? KEY_OR_END : ELEMENT_OR_END;
  }

  #close(): boolean {
    this.at += 1;
    this.#depth -= 1;
    this.#state = AFTER;
    return this.#isBehind();
  }

  #isBehind(): boolean {
    return this.#depth === 0 && this.#state === AFTER;
  }

  /** The string that begins here. */
  #string(): string {
    const start = this.at;
    this.at += 1;
    this.#endString(Infinity);
    const inner = this.buffer.subarray(start + 1, this.at - 1);
    if (!inner.includes(BACKSLASH)) return utf8.decode(inner);
    return String(JSON.parse(utf8.decode(this.buffer.subarray(start, this.at))));
  }

  /** @returns false where the pause comes before the end of the string */
  #endString(pauseAt: number): boolean {
    const { buffer } = this;
    let { at } = this;
    this.#inString = true;
    while (at < pauseAt) {
      const byte = buffer[at] ?? 0;
      if (byte === QUOTE) {
        this.at = at + 1;
        this.#inString = false;
        return true;
      }
      if (byte === BACKSLASH) {
        const next = buffer[at + 1] ?? 0;
        if (next === 0x75 && isHex(buffer, at + 2)) at += 6;
        else if (ESCAPES.has(next)) at += 2;
        else break;
      } else if (byte >= 0x20) at += 1;
      else break;
    }
    this.at = at;
    if (at < pauseAt) throw this.#unexpected();
    return false;
  }

  #word(): void {
    const start = this.at;
    const { buffer } = this;
    let end = start;
    while (end - start < WORD_MAX && isOfWord(buffer[end] ?? 0)) end += 1;
    const text = String.fromCharCode(...buffer.subarray(start, end));
    if (!NUMBER.test(text) && text !== 'true' && text !== 'false' && text !== 'null') throw this.#unexpected();
    this.at = end;
  }

  #unexpected(): CollectorError {
    const what =
      this.at >= this.buffer.length
        ? 'ends early'
        : `is wrong at byte ${this.at}: ${this.#shown()} is unexpected there`;
    return new CollectorError('invalid_json', `The body is not valid JSON: it ${what}`);
  }

  #shown(): string {
    return JSON.stringify(utf8.decode(this.buffer.subarray(this.at, this.at + 10)));
  }
}

function isHex(buffer: Uint8Array, at: number): boolean {
  for (let index = at; index < at + 4; index += 1) {
    const byte = buffer[index] ?? 0;
    if (!((byte >= 0x30 && byte <= 0x39) || (byte >= 0x41 && byte <= 0x46) || (byte >= 0x61 && byte <= 0x66)))
      return false;
  }
  return true;
}

/** Digits, letters, `+`, `-`, `.`: what numbers and words are made of. */
function isOfWord(byte: number): boolean {
  return (
    (byte >= 0x30 && byte <= 0x39) ||
    (byte >= 0x61 && byte <= 0x7a) ||
    (byte >= 0x41 && byte <= 0x5a) ||
    byte === 0x2b ||
    byte === 0x2d ||
    byte === 0x2e
  );
}
