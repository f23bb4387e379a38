/** For texts above this length, the runtime's encoder is faster than a loop here. */
const SHORT = 16;
const TWO_32 = 2 ** 32;

/** Writes protobuf's wire format (protobuf.dev, Encoding) into a growing buffer. */
export class ProtoWriter {
  #buffer = Buffer.allocUnsafeSlow(4096);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** Discards what was written, but keeps the buffer. */
  clear(): void {
    this.#length = 0;
  }

  /** A copy of what was written. */
  bytes(): Uint8Array {
    return Buffer.from(this.#buffer.subarray(0, this.#length));
  }

  /** One byte: the tag of a field below 16, or a small value. */
  byte(value: number): void {
    this.#room(1);
    this.#buffer[this.#length++] = value;
  }

  /** @param value an integer from 0 to 2^53 - 1 */
  varint(value: number): void {
    this.#room(10);
    if (value < 128) {
      this.#buffer[this.#length++] = value;
      return;
    }
    let rest = value;
    while (rest > 0x7f) {
      this.#buffer[this.#length++] = (rest % 128) + 128;
      rest = Math.floor(rest / 128);
    }
    this.#buffer[this.#length++] = rest;
  }

  /** An `int64`; negative values take ten bytes. */
  int64(value: number): void {
    if (value >= 0) return this.varint(value);
    this.#room(10);
    let rest = BigInt.asUintN(64, BigInt(value));
    while (rest > 0x7fn) {
      this.#buffer[this.#length++] = Number(rest & 0x7fn) + 128;
      rest >>= 7n;
    }
    this.#buffer[this.#length++] = Number(rest);
  }

  fixed32(value: number): void {
    this.#room(4);
    this.#length = this.#buffer.writeUInt32LE(value, this.#length);
  }

  double(value: number): void {
    this.#room(8);
    this.#length = this.#buffer.writeDoubleLE(value, this.#length);
  }

  /** A time as `fixed64` nanoseconds; exact even if milliseconds times a million exceed a double's precision. */
  nanoseconds(ms: number, ns: number): void {
    this.#room(8);
    const low = ((ms % TWO_32) * 1e6 + ns) % TWO_32;
    const high = Math.round((ms * 1e6 + ns - low) / TWO_32);
    this.#length = this.#buffer.writeUInt32LE(low, this.#length);
    this.#length = this.#buffer.writeUInt32LE(high, this.#length);
  }

  /** Length and bytes of an id given as hex. */
  hex(digits: string): void {
    this.#room(digits.length);
    this.byte(digits.length / 2);
    this.#length += this.#buffer.write(digits, this.#length, 'hex');
  }

  /** Length and bytes of a text. */
  text(text: string): void {
    const start = this.#length;
    this.varint(text.length);
    if (this.#ascii(text)) return;
    this.#length = start;
    this.varint(Buffer.byteLength(text));
    this.#length += this.#buffer.write(text, this.#length);
  }

  /**
   * A text in a message within a message, with the lengths and the field that precede it: an attribute. Nearly all are ASCII,
   * so the lengths are known before writing.
   *
   * @param before first field of the outer message
   * @param outerTag tag of the outer message's second field, the inner message
   * @param innerTag tag of the text
   */
  nestedText(before: Uint8Array, outerTag: number, innerTag: number, text: string): void {
    const start = this.#length;
    this.#nestedHead(before, outerTag, innerTag, text.length);
    if (this.#ascii(text)) return;
    this.#length = start;
    const length = Buffer.byteLength(text);
    this.#nestedHead(before, outerTag, innerTag, length);
    this.#length += this.#buffer.write(text, this.#length);
  }

  #nestedHead(before: Uint8Array, outerTag: number, innerTag: number, length: number): void {
    this.#room(before.length + length * 3 + 32);
    const inner = 1 + varintLength(length) + length;
    this.varint(before.length + 1 + varintLength(inner) + inner);
    this.raw(before);
    this.#buffer[this.#length++] = outerTag;
    this.varint(inner);
    this.#buffer[this.#length++] = innerTag;
    this.varint(length);
  }

  /** Writes the text if it is pure ASCII; if it returns false, the caller must discard what was written. */
  #ascii(text: string): boolean {
    const { length } = text;
    this.#room(length * 3);
    if (length > SHORT) {
      const written = this.#buffer.write(text, this.#length);
      this.#length += written;
      return written === length;
    }
    for (let index = 0; index < length; index += 1) {
      const code = text.charCodeAt(index);
      if (code > 0x7f) return false;
      this.#buffer[this.#length++] = code;
    }
    return true;
  }

  raw(bytes: Uint8Array): void {
    this.#room(bytes.length);
    this.#buffer.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** Length and bytes of a message from another writer. */
  message(body: ProtoWriter): void {
    this.varint(body.#length);
    this.#room(body.#length);
    body.#buffer.copy(this.#buffer, this.#length, 0, body.#length);
    this.#length += body.#length;
  }

  #room(bytes: number): void {
    const needed = this.#length + bytes;
    if (needed <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.#buffer.length * 2));
    this.#buffer.copy(larger, 0, 0, this.#length);
    this.#buffer = larger;
  }
}

/** Length of a value as a varint, in bytes. */
export function varintLength(value: number): number {
  if (value < 128) return 1;
  let bytes = 1;
  for (let rest = value; rest > 0x7f; rest = Math.floor(rest / 128)) bytes += 1;
  return bytes;
}
