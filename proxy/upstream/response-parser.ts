import { UpstreamError } from './errors.ts';
import { CR, hexDigit, LF, refuseOtherBeginning, refuseOtherLineEnds } from './lines.ts';
import { malformed, parseFields, parseHead, type ResponseHead } from './response-head.ts';

/** Receives an answer's parts, in this order: informational*, head, body*, end. */
export interface ResponseSink {
  /** A 1xx other than 101. */
  informational(head: ResponseHead): void;
  head(head: ResponseHead): void;
  /** @param last whether only `end` follows */
  body(chunk: Buffer, last: boolean): void;
  /** @param trailers alternating names and values */
  end(trailers: readonly string[]): void;
  /** 101: the bytes from here on are not HTTP; `rest` are the first of them. */
  switched(head: ResponseHead, rest: Buffer): void;
  /** Bytes that belong to no answer. */
  excess(): void;
}

const CRLF = Buffer.from('\r\n');
const HEAD_END = Buffer.from('\r\n\r\n');
const EMPTY = Buffer.alloc(0);
const NO_TRAILERS: readonly string[] = [];
/** Chunk extensions are skipped, up to this length. */
const MAX_CHUNK_LINE = 4096;
/** Pieces of chunks up to this size are moved together in their buffer. */
const MOVED_BYTES = 4096;
const CHUNK_DIGITS = 12;
const CHUNK_SIZE = /^([0-9A-Fa-f]{1,12})[ \t]*(?:;[\t\x20-\x7e\x80-\xff]*)?$/;

type State = 'done' | 'head' | 'length' | 'chunk-size' | 'chunk' | 'chunk-end' | 'trailers' | 'close' | 'switched';

export interface ParserOptions {
  readonly maxHeadBytes: number;
}

/**
 * Parses HTTP/1.1 answers from a connection's bytes, however they are split (RFC 9112). It is strict: it refuses what two
 * parties could read differently (both length and chunks, conflicting lengths, folded lines, bare CR or LF).
 */
export class ResponseParser {
  readonly #sink: ResponseSink;
  readonly #maxHeadBytes: number;
  #state: State = 'done';
  #method = '';
  #upgrade = false;
  #held: Buffer | undefined;
  #left = 0;
  #informationalBytes = 0;
  /** Whether any byte of the awaited answer has arrived. */
  started = false;

  constructor(sink: ResponseSink, { maxHeadBytes }: ParserOptions) {
    this.#sink = sink;
    this.#maxHeadBytes = maxHeadBytes;
  }

  /** Expects the answer to a request of this method next. */
  expect(method: string, upgrade: boolean): void {
    this.#state = 'head';
    this.#method = method;
    this.#upgrade = upgrade;
    this.#informationalBytes = 0;
    this.started = false;
  }

  /** @throws UpstreamError `malformed_response` */
  push(chunk: Buffer): void {
    this.started = true;
    const bytes = this.#held === undefined ? chunk : Buffer.concat([this.#held, chunk]);
    this.#held = undefined;
    let at = 0;
    while (at < bytes.length) {
      const next = this.#step(bytes, at);
      if (next === at) {
        this.#held = bytes.subarray(at);
        return;
      }
      at = next;
    }
  }

  /**
   * Call when the other side has ended the connection.
   *
   * @throws UpstreamError `truncated_response` if an answer was not over, `no_response` if none had begun
   */
  finish(): void {
    if (this.#state === 'close') this.#end(NO_TRAILERS);
    else if (this.#state === 'head' && !this.started)
      throw new UpstreamError('no_response', 'the connection was closed before any answer');
    else if (this.#state !== 'done' && this.#state !== 'switched')
      throw new UpstreamError('truncated_response', 'the connection was closed in the middle of the answer');
  }

  /** Reads one piece that begins at `at`. @returns where the piece ends, or `at` if more bytes are needed */
  #step(bytes: Buffer, at: number): number {
    switch (this.#state) {
      case 'head':
        return this.#readHead(bytes, at);
      case 'length':
        return this.#readBody(bytes, at);
      case 'chunk-size':
      case 'chunk':
      case 'chunk-end':
        return this.#readChunks(bytes, at);
      case 'trailers':
        return this.#readTrailers(bytes, at);
      case 'close':
        this.#sink.body(at === 0 ? bytes : bytes.subarray(at), false);
        return bytes.length;
      case 'done':
        this.#sink.excess();
        return bytes.length;
      case 'switched':
        return bytes.length;
    }
  }

  #readHead(bytes: Buffer, at: number): number {
    const end = bytes.indexOf(HEAD_END, at);
    if (end === -1 ? bytes.length - at > this.#maxHeadBytes : end - at > this.#maxHeadBytes)
      throw malformed(`its head is larger than ${this.#maxHeadBytes} bytes`);
    if (end === -1) {
      refuseOtherBeginning(bytes, at);
      refuseOtherLineEnds(bytes, at);
      return at;
    }
    const head = parseHead(bytes.toString('latin1', at, end), this.#method);
    const next = end + 4;
    if (head.status === 101) {
      if (!this.#upgrade) throw malformed('101 to a request that asked for no other protocol');
      this.#state = 'switched';
      this.#sink.switched(head, next === bytes.length ? EMPTY : bytes.subarray(next));
      return bytes.length;
    }
    if (head.status < 200) {
      this.#informationalBytes += next - at;
      if (this.#informationalBytes > this.#maxHeadBytes)
        throw malformed(`its informational answers are larger than ${this.#maxHeadBytes} bytes`);
      this.#sink.informational(head);
      return next;
    }
    this.#begin(head);
    return next;
  }

  #begin(head: ResponseHead): void {
    switch (head.framing) {
      case 'none':
        this.#sink.head(head);
        this.#end(NO_TRAILERS);
        break;
      case 'length':
        this.#left = Number(head.rawHeaders[2 * head.names.indexOf('content-length') + 1]);
        this.#sink.head(head);
        if (this.#left === 0) this.#end(NO_TRAILERS);
        else this.#state = 'length';
        break;
      case 'chunked':
        this.#state = 'chunk-size';
        this.#sink.head(head);
        break;
      case 'close':
        this.#state = 'close';
        this.#sink.head(head);
        break;
    }
  }

  #readBody(bytes: Buffer, at: number): number {
    const next = Math.min(bytes.length, at + this.#left);
    const piece = at === 0 && next === bytes.length ? bytes : bytes.subarray(at, next);
    this.#left -= next - at;
    const whole = this.#left === 0;
    this.#sink.body(piece, whole);
    if (whole) this.#end(NO_TRAILERS);
    return next;
  }

  /**
   * Reads the chunks that have arrived. Moves small ones together in place and passes them on as one piece, so one-byte chunks
   * cost no more than their bytes.
   */
  #readChunks(bytes: Buffer, at: number): number {
    let next = at;
    let from = at;
    let to = at;
    const pass = (): void => {
      if (to > from) this.#sink.body(from === 0 && to === bytes.length ? bytes : bytes.subarray(from, to), false);
      from = to = next;
    };
    try {
      while (this.#state !== 'trailers' && next < bytes.length) {
        if (this.#state !== 'chunk') {
          const behind =
            this.#state === 'chunk-size' ? this.#readChunkSize(bytes, next) : this.#readChunkEnd(bytes, next);
          if (behind === next) break;
          next = behind;
          continue;
        }
        const size = Math.min(bytes.length - next, this.#left);
        if (to > from && size > MOVED_BYTES) pass();
        if (to === from) from = to = next;
        else if (to < next) bytes.copyWithin(to, next, next + size);
        to += size;
        next += size;
        this.#left -= size;
        if (this.#left === 0) this.#state = 'chunk-end';
      }
    } finally {
      pass();
    }
    return next;
  }

  #readChunkEnd(bytes: Buffer, at: number): number {
    if (bytes[at] !== CR || (at + 1 < bytes.length && bytes[at + 1] !== LF))
      throw malformed('a chunk is longer than it says');
    if (bytes.length - at < 2) return at;
    this.#state = 'chunk-size';
    return at + 2;
  }

  #readChunkSize(bytes: Buffer, at: number): number {
    let size = 0;
    let next = at;
    for (let digit = hexDigit(bytes[next]); digit !== -1 && next - at < CHUNK_DIGITS; digit = hexDigit(bytes[next])) {
      size = size * 16 + digit;
      next += 1;
    }
    // The usual line: a number and nothing else.
    if (next === at || bytes[next] !== CR || bytes[next + 1] !== LF) return this.#readChunkLine(bytes, at);
    return this.#beginChunk(size, next + 2);
  }

  #readChunkLine(bytes: Buffer, at: number): number {
    const end = bytes.indexOf(CRLF, at);
    if ((end === -1 ? bytes.length : end) - at > MAX_CHUNK_LINE) throw malformed('the line of a chunk is too long');
    if (end === -1) {
      refuseOtherLineEnds(bytes, at);
      return at;
    }
    const match = CHUNK_SIZE.exec(bytes.toString('latin1', at, end));
    if (match === null) throw malformed('the size of a chunk is not a hexadecimal number');
    return this.#beginChunk(Number.parseInt(match[1] ?? '', 16), end + 2);
  }

  #beginChunk(size: number, at: number): number {
    this.#left = size;
    this.#state = size === 0 ? 'trailers' : 'chunk';
    return at;
  }

  #readTrailers(bytes: Buffer, at: number): number {
    if (bytes.length - at < 2) {
      refuseOtherLineEnds(bytes, at);
      return at;
    }
    if (bytes[at] === CR && bytes[at + 1] === LF) {
      this.#end(NO_TRAILERS);
      return at + 2;
    }
    const end = bytes.indexOf(HEAD_END, at);
    if ((end === -1 ? bytes.length : end) - at > this.#maxHeadBytes) throw malformed('its trailers are too large');
    if (end === -1) {
      refuseOtherLineEnds(bytes, at);
      return at;
    }
    this.#end(parseFields(bytes.toString('latin1', at, end), 0).rawHeaders);
    return end + 4;
  }

  #end(trailers: readonly string[]): void {
    this.#state = 'done';
    this.#sink.end(trailers);
  }
}
