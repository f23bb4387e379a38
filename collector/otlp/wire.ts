import { CollectorError } from '../errors.ts';
import { TEXT_BYTES_MAX } from './decoding.ts';

export const VARINT = 0;
const FIXED64 = 1;
export const BYTES = 2;
const FIXED32 = 5;

/** Invalid UTF-8 becomes U+FFFD; a byte order mark is ordinary text. */
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
/** Texts up to this length, mostly ASCII, are decoded here, which is cheaper than calling the decoder. */
const SHORT = 48;
const SCRATCH: readonly number[][] = Array.from({ length: SHORT + 1 }, (_, length) => Array.from({ length }, () => 0));
const FIELD_MAX = 2 ** 29 - 1;

/** Where to cut a text that is too long: between characters. */
function cutAt(buffer: Uint8Array, start: number): number {
  let end = start + TEXT_BYTES_MAX;
  while (end > start && ((buffer[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return end;
}

function malformed(what: string, at: number): CollectorError {
  return new CollectorError(
    'malformed_protobuf',
    `The protobuf is malformed at byte ${at}: ${what}. Was the body cut off?`,
  );
}

/**
 * Walks protobuf's wire format in place (protobuf.dev/programming-guides/encoding): copies or decodes a field only when it
 * is asked for. `next()` sets `field`, `type`, and `start` and `stop` of the value.
 */
export class WireReader {
  readonly buffer: Uint8Array;
  at: number;
  end: number;
  field = 0;
  type = 0;
  /** First byte of the value. */
  start = 0;
  /** Byte after the value. */
  stop = 0;
  /** Value of a varint of up to 53 bits. For longer ones, call `int64`. */
  value = 0;

  constructor(buffer: Uint8Array, from = 0, end = buffer.length) {
    this.buffer = buffer;
    this.at = from;
    this.end = end;
  }

  /** Moves to another range of the same buffer. */
  reset(from: number, end: number): void {
    this.at = from;
    this.end = end;
  }

  /** @returns false at the end */
  next(): boolean {
    if (this.at >= this.end) return false;
    const first = this.buffer[this.at] ?? 0;
    if (first > 7 && first < 128) {
      this.at += 1;
      this.field = first >>> 3;
      this.type = first & 7;
      if (this.type === BYTES) return this.#range();
    } else {
      const tag = this.#varint();
      this.field = Math.floor(tag / 8);
      this.type = tag % 8;
      if (this.field === 0 || this.field > FIELD_MAX) throw malformed(`field number ${this.field}`, this.at);
    }
    this.start = this.at;
    switch (this.type) {
      case VARINT:
        this.value = this.#varint();
        break;
      case FIXED64:
        this.at += 8;
        break;
      case BYTES:
        return this.#range();
      case FIXED32:
        this.at += 4;
        break;
      default:
        throw malformed(`wire type ${this.type}`, this.at);
    }
    if (this.at > this.end) throw malformed('a value goes beyond the end', this.start);
    this.stop = this.at;
    return true;
  }

  #range(): boolean {
    const length = this.#varint();
    this.start = this.at;
    this.at += length;
    if (this.at > this.end) throw malformed('a value goes beyond the end', this.start);
    this.stop = this.at;
    return true;
  }

  /** @throws CollectorError malformed_protobuf if the field does not have the type of the schema */
  expect(type: number): void {
    if (this.type !== type)
      throw malformed(`field ${this.field} has wire type ${this.type} instead of ${type}`, this.start);
  }

  text(): string {
    this.expect(BYTES);
    const { buffer, start, stop } = this;
    const length = stop - start;
    if (length > SHORT)
      return decoder.decode(buffer.subarray(start, length > TEXT_BYTES_MAX ? cutAt(buffer, start) : stop));
    const codes = SCRATCH[length] ?? [];
    for (let index = 0; index < length; index += 1) {
      const byte = buffer[start + index] ?? 0;
      if (byte > 127) return decoder.decode(buffer.subarray(start, stop));
      codes[index] = byte;
    }
    return String.fromCharCode.apply(undefined, codes);
  }

  bytes(): Uint8Array {
    this.expect(BYTES);
    // A copy, where slice of a Buffer would be a view.
    return new Uint8Array(this.buffer.subarray(this.start, this.stop));
  }

  hex(): string {
    this.expect(BYTES);
    return Buffer.from(this.buffer.buffer, this.buffer.byteOffset + this.start, this.stop - this.start).toString('hex');
  }

  /** A varint as signed 64 bits. */
  int64(): bigint {
    this.expect(VARINT);
    if (this.value <= Number.MAX_SAFE_INTEGER) return BigInt(this.value);
    let value = 0n;
    for (let at = this.start, shift = 0n; at < this.stop; at += 1, shift += 7n)
      value |= BigInt((this.buffer[at] ?? 0) & 127) << shift;
    return BigInt.asIntN(64, value);
  }

  fixed64(): bigint {
    return this.#view().getBigUint64(0, true);
  }

  double(): number {
    return this.#view().getFloat64(0, true);
  }

  sfixed64(): bigint {
    return this.#view().getBigInt64(0, true);
  }

  /** Whether the value, as ASCII, begins with this text. */
  startsWith(text: string): boolean {
    if (this.stop - this.start < text.length) return false;
    for (let index = 0; index < text.length; index += 1)
      if (this.buffer[this.start + index] !== text.charCodeAt(index)) return false;
    return true;
  }

  equals(text: string): boolean {
    return this.stop - this.start === text.length && this.startsWith(text);
  }

  #view(): DataView {
    this.expect(FIXED64);
    return new DataView(this.buffer.buffer, this.buffer.byteOffset + this.start, 8);
  }

  #varint(): number {
    const { buffer, end } = this;
    let at = this.at;
    let byte = buffer[at] ?? 0;
    if (byte < 128 && at < end) {
      this.at = at + 1;
      return byte;
    }
    let value = 0;
    let factor = 1;
    for (let count = 0; count < 10; count += 1) {
      if (at >= end) throw malformed('a number is cut off', at);
      byte = buffer[at] ?? 0;
      at += 1;
      value += (byte & 127) * factor;
      if (byte < 128) {
        this.at = at;
        return value;
      }
      factor *= 128;
    }
    throw malformed('a number is longer than 10 bytes', at);
  }
}
