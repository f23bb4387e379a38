import { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';
import { createGunzip, type Gunzip } from 'node:zlib';
import type { Context } from 'hono';
import { errorText } from '../../runtime/error-text.ts';
import { CollectorError } from '../errors.ts';
import type { ByteLease } from './byte-budget.ts';

export interface BodyLimits {
  /** Of what was inflated, whatever Content-Length says. */
  readonly maxBytes: number;
  /** Setting that raises it, where there is one: for the message. */
  readonly setting?: string;
  /** What the body takes is taken from here as it comes; the caller ends it when done with the body. */
  readonly lease: ByteLease;
  /** A body of which nothing comes for so long is not waited for. @default 10 s */
  readonly idleMs?: number;
  /** Nor is one that takes longer in all. @default 300 s */
  readonly totalMs?: number;
}

const IDLE_MS = 10_000;
const TOTAL_MS = 300_000;
/** Inflated at once: a few pieces a body, and little beyond what is counted. */
const INFLATE_BYTES = 64 * 1024;
/** By the name in Content-Encoding; x-gzip is the same as gzip (RFC 9110, section 8.4.1.3). */
const CODINGS: ReadonlyMap<string, 'gzip' | 'identity'> = new Map([
  ['', 'identity'],
  ['identity', 'identity'],
  ['gzip', 'gzip'],
  ['x-gzip', 'gzip'],
]);

/**
 * Reads a request's body and inflates it as it comes, never holding more than its limit, or more than the budget leaves.
 *
 * @throws CollectorError body_too_large, body_too_slow, unsupported_encoding, invalid_body (cut off, or not gzip), busy
 */
export async function readBody(c: Context, limits: BodyLimits): Promise<Uint8Array> {
  const given = (c.req.header('content-encoding') ?? '').trim().toLowerCase();
  const coding = CODINGS.get(given);
  if (coding === undefined)
    throw new CollectorError(
      'unsupported_encoding',
      `Content-Encoding ${given.slice(0, 100)} is not supported: send gzip, or none`,
    );
  const source = sourceOf(c);
  if (source === undefined) return new Uint8Array();
  const parts: Uint8Array[] = [];
  let size = 0;
  const take = (chunk: Uint8Array): void => {
    size += chunk.byteLength;
    if (size > limits.maxBytes) throw tooLarge(limits);
    limits.lease.take(chunk.byteLength);
    parts.push(chunk);
  };
  const gunzip = coding === 'gzip' ? inflated(source) : undefined;
  try {
    await drain(gunzip ?? source, take, limits);
  } finally {
    if (gunzip !== undefined) {
      source.unpipe(gunzip).pause();
      gunzip.destroy();
    }
  }
  return parts.length === 1 ? (parts[0] ?? new Uint8Array()) : Buffer.concat(parts);
}

/** Node's own stream where there is one: a web stream costs more than the decoding. */
function sourceOf(c: Context): Readable | undefined {
  const incoming: unknown = (c.env as { incoming?: unknown } | undefined)?.incoming;
  if (incoming instanceof IncomingMessage) return incoming;
  const { body } = c.req.raw;
  return body === null ? undefined : Readable.fromWeb(body as ReadableStream<Uint8Array>);
}

/** Hands over each chunk; where one is refused, reading stops and the socket stays open for the answer. */
function drain(
  source: Readable,
  take: (chunk: Uint8Array) => void,
  { idleMs = IDLE_MS, totalMs = TOTAL_MS }: BodyLimits,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const deadline = performance.now() + totalMs;
    const tooSlow = (): void => stop(new CollectorError('body_too_slow'));
    const timer = setTimeout(tooSlow, Math.min(idleMs, totalMs));
    const stop = (error?: unknown): void => {
      clearTimeout(timer);
      source.off('data', onData).off('end', onEnd).off('error', onError).off('close', onClose);
      // Whatever becomes of the rest, nobody listens for it.
      source.on('error', () => undefined);
      if (error === undefined) resolve();
      else reject(error instanceof CollectorError ? error : unreadable(error));
    };
    const onData = (chunk: Uint8Array): void => {
      timer.refresh();
      try {
        take(chunk);
      } catch (error) {
        source.pause();
        stop(error);
        return;
      }
      if (performance.now() > deadline) tooSlow();
    };
    const onEnd = (): void => stop();
    const onError = (error: unknown): void => stop(error);
    const onClose = (): void => stop(new Error('the connection was closed'));
    source.on('data', onData).on('end', onEnd).on('error', onError).on('close', onClose);
    if (source.destroyed) onClose();
  });
}

/** What a gzip body inflates to, as fast as that is taken. */
function inflated(source: Readable): Gunzip {
  const gunzip = createGunzip({ chunkSize: INFLATE_BYTES });
  source.once('close', () => {
    if (!source.readableEnded) gunzip.destroy(new Error('the connection was closed'));
  });
  return source.pipe(gunzip);
}

function unreadable(error: unknown): CollectorError {
  const message = errorText(error);
  const isGzip = error instanceof Error && 'code' in error && String(error.code).startsWith('Z_');
  return new CollectorError(
    'invalid_body',
    isGzip ? `The body is not valid gzip: ${message}` : `The body ended early: ${message}`,
  );
}

function tooLarge({ maxBytes, setting }: BodyLimits): CollectorError {
  const raise = setting === undefined ? '' : `, or raise ${setting}`;
  return new CollectorError(
    'body_too_large',
    `The body is larger than ${maxBytes} bytes (after decompression): send smaller batches${raise}`,
  );
}
