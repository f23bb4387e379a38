import {
  CLOSE_ARRAY,
  CLOSE_OBJECT,
  COLON,
  COMMA,
  endOfString,
  endOfWord,
  OPEN_ARRAY,
  OPEN_OBJECT,
  QUOTE,
  unexpected,
} from './json-bytes.ts';

/** States: what may come next. */
const VALUE = 0;
const ELEMENT_OR_END = 1;
const KEY_OR_END = 2;
const KEY = 3;
const BEFORE_VALUE = 4;
const AFTER = 5;
type State = 0 | 1 | 2 | 3 | 4 | 5;

/** Skips a value piece by piece, at any depth of nesting, and keeps nothing of it. */
export class JsonSkip {
  readonly #buffer: Uint8Array;
  /** The position reached. */
  at = 0;
  /** How many values were skipped so far, counting nested ones. */
  values = 0;
  #state: State = VALUE;
  #depth = 0;
  /** By depth: whether the value there is an object. */
  #isObject = new Uint8Array(64);
  /** Whether the position is within a string. */
  #inString = false;

  constructor(buffer: Uint8Array) {
    this.#buffer = buffer;
  }

  begin(at: number): void {
    this.at = at;
    this.values = 0;
    this.#state = VALUE;
    this.#depth = 0;
    this.#inString = false;
  }

  /** Skips about this many more bytes. @returns whether the value is skipped completely */
  some(bytes: number): boolean {
    const buffer = this.#buffer;
    const pauseAt = this.at + bytes;
    while (this.at < pauseAt) {
      if (this.#inString) {
        const end = endOfString(buffer, this.at, pauseAt);
        this.at = Math.abs(end);
        this.#inString = end < 0;
        if (this.#inString) return false;
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
          this.values += 1;
          if (byte === QUOTE) {
            this.at += 1;
            this.#inString = true;
            this.#state = AFTER;
          } else if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) this.#open(byte === OPEN_OBJECT);
          else if (byte === CLOSE_ARRAY && this.#state === ELEMENT_OR_END) {
            if (this.#close()) return true;
          } else {
            this.at = endOfWord(buffer, this.at);
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
          } else throw unexpected(buffer, this.at);
          break;
        case BEFORE_VALUE:
          if (byte !== COLON) throw unexpected(buffer, this.at);
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
          } else throw unexpected(buffer, this.at);
          break;
        }
      }
    }
    return false;
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
}
