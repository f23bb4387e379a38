import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { gzipSync } from 'node:zlib';
import type { Answer, BytesToSend } from './answer.ts';

const CHUNK = 16 * 1024;
const PATTERN = Buffer.alloc(CHUNK, 'clowder stand-in ');

export interface SendOptions {
  /** Whether texts are compressed for clients that accept gzip. Downloads never are. */
  readonly gzip: boolean;
}

/** Writes an answer with back-pressure; ends early if the client leaves. */
export async function send(
  answer: Answer,
  request: IncomingMessage,
  response: ServerResponse,
  options: SendOptions,
): Promise<void> {
  for (const [name, value] of Object.entries(answer.headers)) response.setHeader(name, value);
  response.statusCode = answer.status;
  const { content } = answer;
  if (content.kind === 'bytes') return await sendBytes(content.bytes, response);
  if (content.text === '') return void response.end();
  if (options.gzip && /\bgzip\b/.test(request.headers['accept-encoding'] ?? '')) {
    response.setHeader('content-encoding', 'gzip');
    response.write(gzipSync(content.text));
    return void response.end();
  }
  response.setHeader('content-length', Buffer.byteLength(content.text));
  response.end(content.text);
}

async function sendBytes(bytes: BytesToSend, response: ServerResponse): Promise<void> {
  const { size, sized, stallsAfter } = bytes;
  if (sized) response.setHeader('content-length', size);
  let sent = 0;
  while (sent < Math.min(size, stallsAfter)) {
    if (response.destroyed) return;
    const chunk = piece(bytes, sent, Math.min(CHUNK, size - sent, stallsAfter - sent));
    sent += chunk.length;
    if (!response.write(chunk)) await Promise.race([once(response, 'drain'), once(response, 'close')]);
  }
  if (sent === size) response.end();
  else if (!response.destroyed) await once(response, 'close');
}

function piece({ from, kept }: BytesToSend, sent: number, length: number): Buffer {
  const at = from + sent;
  if (at < kept.length) return kept.subarray(at, Math.min(kept.length, at + length));
  const phase = at % CHUNK;
  return PATTERN.subarray(phase, Math.min(CHUNK, phase + length));
}
