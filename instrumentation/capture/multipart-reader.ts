import { isUtf8 } from 'node:buffer';
import type { UploadedPart } from '../../taxonomy/http/types.ts';
import { contentDisposition } from './content-disposition.ts';

/** Limits on what is kept of a multipart body. */
export interface MultipartLimits {
  /** Bytes of form fields kept, in total. */
  readonly fieldBytes: number;
  readonly parts: number;
  /** Bytes of one part's headers. */
  readonly headerBytes: number;
}

type State = 'preamble' | 'delimiter' | 'headers' | 'file' | 'field' | 'closed' | 'malformed' | 'stopped';

const CR = 13;
const DASH = 45;
const CRLF = Buffer.from('\r\n');
const END_OF_HEADERS = Buffer.from('\r\n\r\n');
const NOTHING = Buffer.alloc(0);
/** RFC 2046, section 5.1.1, allows 70; servers accept longer ones. */
const LONGEST_BOUNDARY = 1024;

/**
 * Reads a multipart/form-data body (RFC 7578) as it passes: form fields, and the name, type and size of each file. File
 * contents are only searched for the next delimiter. All work happens in `push`: nothing remains to be awaited at the end, and
 * nothing can fail later in the host process.
 */
export class MultipartReader {
  readonly fields: [name: string, value: string][] = [];
  readonly parts: UploadedPart[] = [];
  readonly #delimiter: Buffer;
  readonly #limits: MultipartLimits;
  #state: State;
  /** The end of the last chunk, which the next one must complete: at most a delimiter or a header block. */
  #rest: Buffer = CRLF;
  #parts = 0;
  #fieldBytes = 0;
  /** The part being read. */
  #name = '';
  #file: { fileName: string; contentType: string | undefined } | undefined;
  #bytes = 0;
  #value: Buffer[] | undefined;

  constructor(contentType: string, limits: MultipartLimits) {
    const boundary = boundaryOf(contentType);
    this.#delimiter = Buffer.from(`\r\n--${boundary ?? ''}`, 'latin1');
    this.#limits = limits;
    this.#state = boundary === undefined ? 'malformed' : 'preamble';
  }

  /** Whether the body is malformed. */
  get broken(): boolean {
    return this.#state === 'malformed';
  }

  /** Whether the closing delimiter was seen. */
  get closed(): boolean {
    return this.#state === 'closed';
  }

  /** Whether the body exceeds the limits. */
  get tooLarge(): boolean {
    return this.#state === 'stopped' || this.#fieldBytes > this.#limits.fieldBytes;
  }

  push(chunk: Uint8Array): void {
    if (this.#state === 'closed' || this.#state === 'malformed' || this.#state === 'stopped') return;
    let data = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    let at = 0;
    if (this.#rest.length > 0) {
      const rest = this.#rest;
      this.#rest = NOTHING;
      if (this.#isInContent && data.length > this.#delimiter.length) at = this.#acrossChunks(rest, data);
      else data = Buffer.concat([rest, data]);
    }
    while (at < data.length) {
      const next = this.#step(data, at);
      if (next === undefined) return;
      at = next;
    }
  }

  get #isInContent(): boolean {
    return this.#state === 'file' || this.#state === 'field' || this.#state === 'preamble';
  }

  /** Decides what the end of the last chunk was, without copying this one. @returns where to read on in this chunk */
  #acrossChunks(rest: Buffer, data: Buffer): number {
    const seam = Buffer.concat([rest, data.subarray(0, this.#delimiter.length)]);
    const found = seam.indexOf(this.#delimiter);
    if (found === -1 || found >= rest.length) {
      this.#take(rest);
      return 0;
    }
    this.#take(rest.subarray(0, found));
    this.#finishPart();
    return found + this.#delimiter.length - rest.length;
  }

  /** Reads on from `at`; undefined if the rest was put aside or nothing more is to be read. */
  #step(data: Buffer, at: number): number | undefined {
    switch (this.#state) {
      case 'delimiter':
        return this.#afterDelimiter(data, at);
      case 'headers':
        return this.#headers(data, at);
      case 'preamble':
      case 'file':
      case 'field':
        return this.#content(data, at);
      case 'closed':
      case 'malformed':
      case 'stopped':
        return undefined;
    }
  }

  #content(data: Buffer, at: number): number | undefined {
    const found = data.indexOf(this.#delimiter, at);
    const end = found === -1 ? startOfPrefix(data, at, this.#delimiter) : found;
    this.#take(data.subarray(at, end));
    if (found === -1) return this.#putAside(data, end);
    this.#finishPart();
    return found + this.#delimiter.length;
  }

  /** After a delimiter: `--` closes the body; optional spaces and a line end begin a part. */
  #afterDelimiter(data: Buffer, at: number): number | undefined {
    let position = at;
    while (data[position] === 32 || data[position] === 9) position += 1;
    if (position - at > this.#limits.headerBytes) return this.#stop('malformed');
    if (data.length - position < 2) return this.#putAside(data, at);
    if (data[position] === DASH && data[position + 1] === DASH) return this.#stop('closed');
    if (data[position] !== CR || data[position + 1] !== 10) return this.#stop('malformed');
    if (this.#parts === this.#limits.parts) return this.#stop('stopped');
    this.#parts += 1;
    this.#state = 'headers';
    // Keep the line end: it may be the first half of the empty line that ends the headers.
    return position;
  }

  #headers(data: Buffer, at: number): number | undefined {
    const end = data.indexOf(END_OF_HEADERS, at);
    if ((end === -1 ? data.length : end) - at > this.#limits.headerBytes) return this.#stop('malformed');
    if (end === -1) return this.#putAside(data, at);
    this.#startPart(textOf(data.subarray(at, end)));
    return end + END_OF_HEADERS.length - CRLF.length;
  }

  #startPart(headers: string): void {
    const disposition = headerOf(headers, 'content-disposition');
    const { name, fileName } = contentDisposition(disposition ?? '');
    this.#name = name ?? '';
    this.#file =
      fileName === undefined ? undefined : { fileName, contentType: headerOf(headers, 'content-type')?.toLowerCase() };
    this.#state = this.#file === undefined ? 'field' : 'file';
    // The content is read with the line end before it, since the delimiter begins with one.
    this.#bytes = -CRLF.length;
    this.#value = [];
  }

  #take(bytes: Buffer): void {
    this.#bytes += bytes.length;
    if (this.#state !== 'field') return;
    this.#fieldBytes += bytes.length;
    if (this.#fieldBytes <= this.#limits.fieldBytes) this.#value?.push(Buffer.from(bytes));
    // Half a value would be a wrong value.
    else this.#value = undefined;
  }

  #finishPart(): void {
    if (this.#state === 'field') {
      const value = this.#value && Buffer.concat(this.#value).toString('utf8', CRLF.length);
      if (this.#name !== '' && value !== undefined) this.fields.push([this.#name, value]);
    } else if (this.#file !== undefined) {
      const { fileName, contentType } = this.#file;
      const bytes = Math.max(0, this.#bytes);
      this.parts.push({ field: this.#name, fileName, bytes, ...(contentType !== undefined && { contentType }) });
    }
    this.#file = undefined;
    this.#state = 'delimiter';
  }

  #putAside(data: Buffer, at: number): undefined {
    this.#rest = Buffer.from(data.subarray(at));
    return undefined;
  }

  #stop(state: 'closed' | 'malformed' | 'stopped'): undefined {
    this.#state = state;
    return undefined;
  }
}

/** Where a delimiter begins that is cut off by the end of the data; the data's length if none is. */
function startOfPrefix(data: Buffer, from: number, delimiter: Buffer): number {
  let at = data.indexOf(CR, Math.max(from, data.length - delimiter.length + 1));
  while (at !== -1) {
    if (data.compare(delimiter, 0, data.length - at, at) === 0) return at;
    at = data.indexOf(CR, at + 1);
  }
  return data.length;
}

function boundaryOf(contentType: string): string | undefined {
  const found = /;\s*boundary\s*=\s*(?:"((?:[^"\\]|\\.)+)"|([^\s;"]+))/i.exec(contentType);
  const boundary = found?.[1]?.replace(/\\(.)/g, '$1') ?? found?.[2];
  return boundary === undefined || boundary.length > LONGEST_BOUNDARY ? undefined : boundary;
}

/** Headers are UTF-8 today (RFC 7578, section 5.1); older clients send ISO-8859-1. */
const textOf = (bytes: Buffer): string => bytes.toString(isUtf8(bytes) ? 'utf8' : 'latin1');

/** The value of a header in a block of lines that each begin with a line end. Folded lines are joined. */
function headerOf(block: string, name: string): string | undefined {
  for (const line of block.replace(/\r\n[ \t]+/g, ' ').split('\r\n')) {
    const colon = line.indexOf(':');
    if (colon !== -1 && line.slice(0, colon).trim().toLowerCase() === name) return line.slice(colon + 1).trim();
  }
  return undefined;
}
