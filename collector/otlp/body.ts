import { IncomingMessage } from 'node:http';
import { Readable, type Transform } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';
import type { Context } from 'hono';
import { errorText } from '../../runtime/error-text.ts';
import { CollectorError } from '../errors.ts';
import { BodyPieces } from './body-pieces.ts';
import type { ByteLease } from './byte-budget.ts';
import { codingNamed, COMPRESSED, inflaterOf, isOfInflater, unsupported, type Coding } from './codings.ts';

export interface BodyLimits {
  /** Limit after decompression, regardless of Content-Length. */
  readonly maxBytes: number;
  /** Setting that raises the limit, if there is one: for the message. */
  readonly setting?: string;
  /** Pays for the body's bytes as they arrive. The caller ends the lease when done with the body. */
  readonly lease: ByteLease;
  /** Longest pause between two pieces of a body. @default 10 s */
  readonly idleMs?: number;
  /** Longest time for a whole body. @default 300 s */
  readonly totalMs?: number;
}

const IDLE_MS = 10_000;
const TOTAL_MS = 300_000;

/**
 * Reads a request's body and inflates it as it arrives. Never holds more than the limit, or more than the budget leaves.
 *
 * @throws CollectorError unsupported_encoding, and as `readSource` does
 */
export async function readBody(c: Context, limits: BodyLimits): Promise<Uint8Array> {
  const given = c.req.header('content-encoding') ?? '';
  const coding = codingNamed(given);
  if (coding === undefined) {
    // RFC 9110, section 15.5.16.
    c.header('accept-encoding', COMPRESSED.join(', '));
    throw unsupported('Content-Encoding', given);
  }
  const source = sourceOf(c);
  return source === undefined ? new Uint8Array() : readSource(source, coding, limits);
}

/**
 * The same for any stream of bytes.
 *
 * @throws CollectorError body_too_large, body_too_slow, invalid_body (cut off, or not what the coding says), busy
 */
export async function readSource(source: Readable, coding: Coding, limits: BodyLimits): Promise<Uint8Array> {
  const pieces = new BodyPieces();
  const take = (chunk: Uint8Array): void => {
    if (pieces.size + chunk.byteLength > limits.maxBytes) throw tooLarge(limits);
    limits.lease.take(chunk.byteLength);
    pieces.add(chunk);
  };
  const inflater = inflaterOf(coding);
  const whole = inflater === undefined ? wholeOf(source) : undefined;
  if (whole !== undefined) {
    take(whole);
    return whole;
  }
  if (inflater !== undefined) inflate(source, inflater);
  try {
    await drain(inflater ?? source, take, limits);
  } catch (error) {
    pieces.drop();
    throw error instanceof CollectorError ? error : unreadable(error, coding);
  } finally {
    if (inflater !== undefined) {
      source.unpipe(inflater).pause();
      inflater.destroy();
    }
  }
  return pieces.whole();
}

/** The body of a request that has arrived completely, as most small ones have: there is nothing to wait for. */
function wholeOf(source: Readable): Uint8Array | undefined {
  const isThere = source instanceof IncomingMessage && source.complete && source.readableFlowing === null;
  if (!isThere || source.destroyed || source.readableEnded) return undefined;
  const body: unknown = source.read();
  return body instanceof Uint8Array ? body : new Uint8Array();
}

/** Node's own stream if there is one, because a web stream costs more than the decoding. */
function sourceOf(c: Context): Readable | undefined {
  const incoming: unknown = (c.env as { incoming?: unknown } | undefined)?.incoming;
  if (incoming instanceof IncomingMessage) return incoming;
  const { body } = c.req.raw;
  return body === null ? undefined : Readable.fromWeb(body as ReadableStream<Uint8Array>);
}

/** Passes on each chunk. If one is refused, reading stops, but the socket stays open for the answer. */
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
      // Later errors no longer matter, but must have a listener.
      source.on('error', () => undefined);
      if (error === undefined) resolve();
      else reject(error instanceof Error ? error : new Error(errorText(error)));
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

/** Inflates what the source brings, at the reader's pace. */
function inflate(source: Readable, inflater: Transform): void {
  source.once('close', () => {
    if (!source.readableEnded) inflater.destroy(new Error('the connection was closed'));
  });
  source.pipe(inflater);
}

function unreadable(error: unknown, coding: Coding): CollectorError {
  const message = errorText(error);
  return new CollectorError(
    'invalid_body',
    isOfInflater(error) ? `The body is not valid ${coding}: ${message}` : `The body ended early: ${message}`,
  );
}

function tooLarge({ maxBytes, setting }: BodyLimits): CollectorError {
  const raise = setting === undefined ? '' : `, or raise ${setting}`;
  return new CollectorError(
    'body_too_large',
    `The body is larger than ${maxBytes} bytes (after decompression): send smaller batches${raise}`,
  );
}
