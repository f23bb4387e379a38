import { UpstreamError } from './errors.ts';

/** Head of one answer, of HTTP/1.0 or HTTP/1.1. */
export interface ResponseHead {
  readonly status: number;
  readonly reason: string;
  /** Names and values in turn, as sent, duplicates kept; values without the white space around them. */
  readonly rawHeaders: readonly string[];
  /** The names in lower case, one for each pair of `rawHeaders`. */
  readonly names: readonly string[];
  /** What ends the body (RFC 9112, section 6.3): nothing to end, a length, the last chunk, or the connection. */
  readonly framing: 'none' | 'length' | 'chunked' | 'close';
  /** Whether the connection can be used again afterwards. */
  readonly keepAlive: boolean;
}

/** Who an answer is told to, in order: informational*, head, body*, end. */
export interface ResponseSink {
  /** A 1xx other than 101. */
  informational(head: ResponseHead): void;
  head(head: ResponseHead): void;
  /** @param last nothing but `end` follows */
  body(chunk: Buffer, last: boolean): void;
  /** @param trailers names and values in turn */
  end(trailers: readonly string[]): void;
  /** 101: from here on the bytes are no HTTP; `rest` are the first of them. */
  switched(head: ResponseHead, rest: Buffer): void;
  /** Bytes that belong to no answer. */
  excess(): void;
}

const CRLF = Buffer.from('\r\n');
const HEAD_END = Buffer.from('\r\n\r\n');
const EMPTY = Buffer.alloc(0);
const NO_TRAILERS: readonly string[] = [];
/** Chunk extensions are read over, up to here. */
const MAX_CHUNK_LINE = 4096;
const STATUS_LINE = /^HTTP\/1\.([01]) ([1-9]\d\d)(?: ([\t\x20-\x7e\x80-\xff]*))?$/;
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const NOT_IN_VALUE = /[^\t\x20-\x7e\x80-\xff]/;
const LENGTH = /^\d{1,15}$/;
const CHUNK_SIZE = /^([0-9A-Fa-f]{1,12})[ \t]*(?:;[\t\x20-\x7e\x80-\xff]*)?$/;

type State = 'done' | 'head' | 'length' | 'chunk-size' | 'chunk' | 'chunk-end' | 'trailers' | 'close' | 'switched';

export interface ParserOptions {
  readonly maxHeadBytes: number;
}

/**
 * HTTP/1.1 answers from the bytes of a connection, in whatever pieces they come (RFC 9112). Strict: what two parties
 * could read differently (length and chunks, lengths that differ, folded lines, bare CR or LF) is refused.
 */
export class ResponseParser {
  readonly #sink: ResponseSink;
  readonly #maxHeadBytes: number;
  #state: State = 'done';
  #method = '';
  #upgrade = false;
  #held: Buffer | undefined;
  #left = 0;
  /** Whether anything of the awaited answer has come. */
  started = false;

  constructor(sink: ResponseSink, { maxHeadBytes }: ParserOptions) {
    this.#sink = sink;
    this.#maxHeadBytes = maxHeadBytes;
  }

  /** The next answer is that to a request of this method. */
  expect(method: string, upgrade: boolean): void {
    this.#state = 'head';
    this.#method = method;
    this.#upgrade = upgrade;
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
   * The other side ended the connection.
   *
   * @throws UpstreamError `truncated_response` where an answer was not over, `no_response` where none had begun
   */
  finish(): void {
    if (this.#state === 'close') this.#end(NO_TRAILERS);
    else if (this.#state === 'head' && !this.started)
      throw new UpstreamError('no_response', 'the connection was closed before any answer');
    else if (this.#state !== 'done' && this.#state !== 'switched')
      throw new UpstreamError('truncated_response', 'the connection was closed in the middle of the answer');
  }

  /** Reads one piece that begins at `at`; where it ends, or `at` itself where more bytes are needed. */
  #step(bytes: Buffer, at: number): number {
    switch (this.#state) {
      case 'head':
        return this.#readHead(bytes, at);
      case 'length':
      case 'chunk':
        return this.#readBody(bytes, at);
      case 'chunk-size':
        return this.#readChunkSize(bytes, at);
      case 'chunk-end':
        if (bytes.length - at < 2) return at;
        if (bytes[at] !== 13 || bytes[at + 1] !== 10) throw malformed('a chunk is longer than it says');
        this.#state = 'chunk-size';
        return at + 2;
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
    if (end === -1) return at;
    const head = parseHead(bytes.toString('latin1', at, end), this.#method);
    const next = end + 4;
    if (head.status === 101) {
      if (!this.#upgrade) throw malformed('101 to a request that asked for no other protocol');
      this.#state = 'switched';
      this.#sink.switched(head, next === bytes.length ? EMPTY : bytes.subarray(next));
      return bytes.length;
    }
    if (head.status < 200) {
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
    if (whole && this.#state === 'length') {
      this.#sink.body(piece, true);
      this.#end(NO_TRAILERS);
    } else {
      if (whole) this.#state = 'chunk-end';
      this.#sink.body(piece, false);
    }
    return next;
  }

  #readChunkSize(bytes: Buffer, at: number): number {
    const end = bytes.indexOf(CRLF, at);
    if ((end === -1 ? bytes.length : end) - at > MAX_CHUNK_LINE) throw malformed('the line of a chunk is too long');
    if (end === -1) return at;
    const match = CHUNK_SIZE.exec(bytes.toString('latin1', at, end));
    if (match === null) throw malformed('the size of a chunk is no hexadecimal number');
    this.#left = Number.parseInt(match[1] ?? '', 16);
    this.#state = this.#left === 0 ? 'trailers' : 'chunk';
    return end + 2;
  }

  #readTrailers(bytes: Buffer, at: number): number {
    if (bytes.length - at < 2) return at;
    if (bytes[at] === 13 && bytes[at + 1] === 10) {
      this.#end(NO_TRAILERS);
      return at + 2;
    }
    const end = bytes.indexOf(HEAD_END, at);
    if ((end === -1 ? bytes.length : end) - at > this.#maxHeadBytes) throw malformed('its trailers are too large');
    if (end === -1) return at;
    this.#end(parseFields(bytes.toString('latin1', at, end), 0).rawHeaders);
    return end + 4;
  }

  #end(trailers: readonly string[]): void {
    this.#state = 'done';
    this.#sink.end(trailers);
  }
}

function malformed(what: string): UpstreamError {
  return new UpstreamError('malformed_response', `the answer is no proper HTTP: ${what}`);
}

/** @param text head without the empty line that ends it */
function parseHead(text: string, method: string): ResponseHead {
  const lineEnd = text.indexOf('\r\n');
  const line = STATUS_LINE.exec(lineEnd === -1 ? text : text.slice(0, lineEnd));
  if (line === null) throw malformed('it does not begin with a status line of HTTP/1');
  const status = Number(line[2]);
  const { rawHeaders, names } = lineEnd === -1 ? { rawHeaders: [], names: [] } : parseFields(text, lineEnd + 2);
  let length: string | undefined;
  let coding: string | undefined;
  let connection = '';
  for (let i = 0; i < names.length; i++) {
    const name = names[i];
    const value = rawHeaders[2 * i + 1] ?? '';
    if (name === 'content-length') {
      if (!LENGTH.test(value)) throw malformed('its Content-Length is no number');
      if (length !== undefined) throw malformed('it has more than one Content-Length');
      length = value;
    } else if (name === 'transfer-encoding') {
      coding = coding === undefined ? value.toLowerCase() : `${coding},${value.toLowerCase()}`;
    } else if (name === 'connection') {
      connection += `,${value.toLowerCase()}`;
    }
  }
  if (coding !== undefined && length !== undefined)
    throw malformed('it has both a Content-Length and a Transfer-Encoding');
  if (coding !== undefined && (coding !== 'chunked' || line[1] === '0'))
    throw malformed('its Transfer-Encoding is another than chunked');
  const framing =
    method === 'HEAD' || status < 200 || status === 204 || status === 304
      ? 'none'
      : coding !== undefined
        ? 'chunked'
        : length !== undefined
          ? 'length'
          : 'close';
  const keepAlive =
    framing !== 'close' && (line[1] === '1' ? !hasToken(connection, 'close') : hasToken(connection, 'keep-alive'));
  return { status, reason: line[3] ?? '', rawHeaders, names, framing, keepAlive };
}

function hasToken(list: string, token: string): boolean {
  return list !== '' && list.split(',').some((one) => one.trim() === token);
}

/** Field lines (RFC 9112, section 5), each ended by CRLF or the end of the text. */
function parseFields(text: string, from: number): { rawHeaders: string[]; names: string[] } {
  const rawHeaders: string[] = [];
  const names: string[] = [];
  let at = from;
  while (at < text.length) {
    const lineEnd = text.indexOf('\r\n', at);
    const end = lineEnd === -1 ? text.length : lineEnd;
    const colon = text.indexOf(':', at);
    // White space before the colon is taken away (section 5.1); before the name it would be a folded line.
    const name = colon === -1 || colon > end ? '' : text.slice(at, endOf(text, at, colon));
    let start = colon + 1;
    while (start < end && isBlank(text, start)) start += 1;
    const value = text.slice(start, endOf(text, start, end));
    if (!TOKEN.test(name)) throw malformed('a header line has no proper name');
    if (NOT_IN_VALUE.test(value)) throw malformed('a header has a control character in its value');
    rawHeaders.push(name, value);
    names.push(name.toLowerCase());
    at = end + 2;
  }
  return { rawHeaders, names };
}

/** Space or tab; `trim` would also take 0xA0, which ends a UTF-8 character as often as not. */
function isBlank(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return code === 32 || code === 9;
}

function endOf(text: string, from: number, to: number): number {
  let end = to;
  while (end > from && isBlank(text, end - 1)) end -= 1;
  return end;
}
