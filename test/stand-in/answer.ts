import type { Asked } from './asked.ts';
import type { StoredFile, Store } from './store.ts';
import { STALLS_AFTER } from './seeds.ts';

/** What a route answers, before the version's quirks (JSONP, gzip) are added. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  readonly content: Content;
}

export type Content =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'bytes'; readonly bytes: BytesToSend };

/** Bytes of a file or archive: the kept beginning, then a pattern up to the size. */
export interface BytesToSend {
  readonly size: number;
  readonly from: number;
  readonly kept: Buffer;
  /** Sending stops here until the client leaves. */
  readonly stallsAfter: number;
  /** Whether the answer states its length; otherwise it is chunked. */
  readonly sized: boolean;
}

export type AnswerMaker = (asked: Asked, store: Store) => Answer;
/** One line of a route table; the first match answers. */
export type RouteLine = readonly [method: string, path: string, maker: AnswerMaker];

const textual = (type: string, text: string, status: number, headers: Answer['headers'] = {}): Answer => ({
  status,
  headers: { 'content-type': type, ...headers },
  content: { kind: 'text', text },
});

export const json = (value: unknown, status = 200, headers: Answer['headers'] = {}): Answer =>
  textual('application/json; charset=utf-8', JSON.stringify(value), status, headers);
export const text = (value: string, status = 200): Answer => textual('text/plain; charset=utf-8', value, status);
export const html = (value: string, status = 200, headers: Answer['headers'] = {}): Answer =>
  textual('text/html; charset=utf-8', value, status, headers);
export const typed = (type: string, value: string, headers: Answer['headers'] = {}): Answer =>
  textual(type, value, 200, headers);
export const empty = (status: number, headers: Answer['headers'] = {}): Answer => ({
  status,
  headers,
  content: { kind: 'text', text: '' },
});
export const redirect = (location: string, status = 303, headers: Answer['headers'] = {}): Answer =>
  empty(status, { location, ...headers });

/** The bytes of a file: all, or the piece in the Range header (a single range, as Clowder supports). */
export function fileBytes(file: StoredFile, asked: Asked, options: { disposition: string; sized?: boolean }): Answer {
  const range = /^bytes=(\d+)-(\d*)$/.exec(asked.header('range') ?? '');
  const headers = { 'content-type': file.contentType, 'content-disposition': options.disposition };
  const bytes = {
    size: file.size,
    from: 0,
    kept: file.content ?? Buffer.alloc(0),
    stallsAfter: file.trait === 'stalling' ? STALLS_AFTER : Infinity,
    sized: options.sized ?? false,
  };
  if (range === null) return { status: 200, headers, content: { kind: 'bytes', bytes } };
  const from = Number(range[1]);
  const to = Math.min(range[2] === '' ? Infinity : Number(range[2]), file.size - 1);
  if (from > to) return empty(416, { 'content-range': `bytes */${file.size}` });
  return {
    status: 206,
    headers: { ...headers, 'accept-ranges': 'bytes', 'content-range': `bytes ${from}-${to}/${file.size}` },
    content: { kind: 'bytes', bytes: { ...bytes, from, size: to + 1 - from, sized: true } },
  };
}

/** A zip archive made on the fly: chunked, of a size that the stand-in knows. */
export function archive(size: number, contentType: string, disposition: string): Answer {
  const bytes = { size, from: 0, kept: Buffer.from('PK'), stallsAfter: Infinity, sized: false };
  return {
    status: 200,
    headers: { 'content-type': contentType, 'content-disposition': disposition },
    content: { kind: 'bytes', bytes },
  };
}

/** Size in bytes of every archive that a stand-in sends. */
export const ARCHIVE_SIZE = 2222;

/** Content-Disposition as v1 writes it: only RFC 6266's extended form. */
export const extendedName = (name: string): string => `attachment; filename*=UTF-8''${encodeURIComponent(name)}`;
