import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';

/** A body that is not taken; `status` is the HTTP answer. */
export class BodyError extends Error {
  override readonly name = 'BodyError';
  readonly status: 400 | 413 | 415 | 503;
  readonly retryAfterS: number | undefined;

  constructor(status: 400 | 413 | 415 | 503, message: string, retryAfterS?: number) {
    super(message);
    this.status = status;
    this.retryAfterS = retryAfterS;
  }
}

const inflate = promisify(gunzip);

/** Bytes of bodies that are being read at once, in all requests. */
export interface ByteBudget {
  take(bytes: number): void;
  give(bytes: number): void;
}

/** @throws BodyError 503 from `take` where the budget is used up: the producer tries again */
export function createByteBudget(maxBytes: number): ByteBudget {
  let used = 0;
  return {
    take: (bytes) => {
      if (used > 0 && used + bytes > maxBytes) throw new BodyError(503, 'The collector is reading as much as it can hold: try again', 1);
      used += bytes;
    },
    give: (bytes) => {
      used -= bytes;
    },
  };
}

/**
 * Reads and decompresses a body, never holding more than the limit of it: it counts what comes and what it inflates to,
 * whatever Content-Length says.
 *
 * @param chunks the body as it arrives
 * @throws BodyError
 */
export async function readBody(chunks: AsyncIterable<Uint8Array>, encoding: string | undefined, maxBytes: number, budget: ByteBudget): Promise<Uint8Array> {
  const coding = (encoding ?? 'identity').trim().toLowerCase();
  if (coding !== 'identity' && coding !== 'gzip' && coding !== '') throw new BodyError(415, `Content-Encoding ${coding} is not supported: send gzip, or none`);
  const parts: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const chunk of chunks) {
      budget.take(chunk.byteLength);
      size += chunk.byteLength;
      if (size > maxBytes) throw tooLarge(maxBytes);
      parts.push(chunk);
    }
    const body = parts.length === 1 ? (parts[0] ?? Buffer.alloc(0)) : Buffer.concat(parts);
    return coding === 'gzip' ? await decompress(body, maxBytes) : body;
  } finally {
    budget.give(size);
  }
}

async function decompress(body: Uint8Array, maxBytes: number): Promise<Uint8Array> {
  try {
    return await inflate(body, { maxOutputLength: maxBytes });
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge(maxBytes);
    throw new BodyError(400, `The body is not valid gzip: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function tooLarge(maxBytes: number): BodyError {
  return new BodyError(413, `The body is larger than ${maxBytes} bytes (after decompression): send smaller batches, or raise MAX_BODY_BYTES`);
}
