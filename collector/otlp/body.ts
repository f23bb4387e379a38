import { IncomingMessage } from 'node:http';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import type { Context } from 'hono';
import { CollectorError } from '../errors.ts';

const inflate = promisify(gunzip);

/** One request's share of the budget. */
export interface ByteLease {
  /** @throws CollectorError busy where others leave too little: the producer tries again. A lone request is never refused */
  take(bytes: number): void;
  end(): void;
}

/** Bytes of bodies, as sent and decompressed, that all requests may hold at once. */
export interface ByteBudget {
  lease(): ByteLease;
}

/** @param maxBytes of all requests together */
export function createByteBudget(maxBytes: number): ByteBudget {
  let used = 0;
  function lease(): ByteLease {
    let own = 0;
    return {
      take: (bytes) => {
        if (used > own && used + bytes > maxBytes)
          throw new CollectorError('busy', 'The collector is reading as much as it can hold: try again');
        own += bytes;
        used += bytes;
      },
      end: () => {
        used -= own;
        own = 0;
      },
    };
  }
  return { lease };
}

/**
 * Reads and decompresses a request's body, never holding more than the limit of it: it counts what comes and what it
 * inflates to, whatever Content-Length says.
 *
 * @param maxBytes limit before and after decompression, each
 * @param lease what it holds is taken from here; the caller ends it when done with the body
 * @throws CollectorError body_too_large, unsupported_encoding, invalid_body (cut off, or not gzip), busy (over budget)
 */
export async function readBody(c: Context, maxBytes: number, lease: ByteLease): Promise<Uint8Array> {
  const coding = (c.req.header('content-encoding') ?? '').trim().toLowerCase();
  if (coding !== 'identity' && coding !== 'gzip' && coding !== '')
    throw new CollectorError(
      'unsupported_encoding',
      `Content-Encoding ${coding.slice(0, 100)} is not supported: send gzip, or none`,
    );
  const parts: Uint8Array[] = [];
  let size = 0;
  const take = (chunk: Uint8Array): void => {
    size += chunk.byteLength;
    if (size > maxBytes) throw tooLarge(maxBytes);
    lease.take(chunk.byteLength);
    parts.push(chunk);
  };
  try {
    const incoming: unknown = (c.env as { incoming?: unknown } | undefined)?.incoming;
    // Node's own stream where there is one: a web stream, or an iterator, costs more than the decoding.
    if (incoming instanceof IncomingMessage) await drain(incoming, take);
    else for await (const chunk of c.req.raw.body ?? []) take(chunk);
  } catch (error) {
    if (error instanceof CollectorError) throw error;
    throw new CollectorError(
      'invalid_body',
      `The body ended early: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
  const body = parts.length === 1 ? (parts[0] ?? new Uint8Array()) : Buffer.concat(parts);
  if (coding !== 'gzip') return body;
  const inflated = await decompress(body, maxBytes);
  lease.take(inflated.byteLength);
  return inflated;
}

/** Hands over each chunk; where one is refused, reading stops and the socket stays open for the answer. */
function drain(incoming: IncomingMessage, take: (chunk: Uint8Array) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (error?: unknown): void => {
      incoming.off('data', onData).off('end', stop).off('error', stop).off('close', onClose);
      if (error === undefined) resolve();
      else reject(error);
    };
    const onData = (chunk: Uint8Array): void => {
      try {
        take(chunk);
      } catch (error) {
        incoming.pause();
        stop(error);
      }
    };
    const onClose = (): void => stop(new Error('the connection was closed'));
    incoming.on('data', onData).on('end', stop).on('error', stop).on('close', onClose);
    if (incoming.destroyed) onClose();
  });
}

async function decompress(body: Uint8Array, maxBytes: number): Promise<Uint8Array> {
  try {
    return await inflate(body, { maxOutputLength: maxBytes });
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge(maxBytes);
    throw new CollectorError(
      'invalid_body',
      `The body is not valid gzip: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}

function tooLarge(maxBytes: number): CollectorError {
  return new CollectorError(
    'body_too_large',
    `The body is larger than ${maxBytes} bytes (after decompression): send smaller batches, or raise MAX_BODY_BYTES`,
  );
}
