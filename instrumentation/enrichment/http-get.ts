import { ROOT_CONTEXT, context } from '@opentelemetry/api';
import { suppressTracing } from '@opentelemetry/core';
import { randomBytes } from 'node:crypto';
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { parseJsonText } from '../../taxonomy/http/json-text.ts';
import type { Answer, Get } from './ask.ts';

export interface HttpGetOptions {
  /** Of Clowder: scheme, host, port, and the path that precedes every route. */
  readonly url: URL;
  /** CA of its certificate, PEM. */
  readonly ca?: Buffer | undefined;
  /** Whether its certificate is checked. @default true */
  readonly rejectUnauthorized?: boolean | undefined;
}

const LONGEST_ANSWER = 256 * 1024;

/** Asks Clowder by HTTP, on connections of its own, leaving no trace: no span here, and none of an instrumented Clowder. */
export function createHttpGet({ url, ca, rejectUnauthorized = true }: HttpGetOptions): Get {
  const isTls = url.protocol === 'https:';
  const agent = isTls
    ? new HttpsAgent({ keepAlive: true, ca, rejectUnauthorized })
    : new HttpAgent({ keepAlive: true });
  const request = isTls ? httpsRequest : httpRequest;
  const base = url.href.replace(/\/+$/, '');
  return (path, credentials, signal) =>
    context.with(suppressTracing(ROOT_CONTEXT), async () => {
      const headers = {
        ...credentials,
        accept: 'application/json',
        'user-agent': 'clowder-otel',
        traceparent: unsampled(),
      };
      const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
      const outgoing = request(base + path, { agent, headers, signal });
      // A program that has nothing else to do ends.
      outgoing.on('socket', (socket) => socket.unref());
      outgoing.once('response', resolve).on('error', reject).end();
      return await read(await promise);
    });
}

/** @throws Error where the answer breaks off, or is longer than any that is asked for */
async function read(response: IncomingMessage): Promise<Answer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of response) {
    if (!Buffer.isBuffer(chunk)) continue;
    length += chunk.length;
    if (length > LONGEST_ANSWER) throw new Error('the answer is too long');
    chunks.push(chunk);
  }
  const status = response.statusCode ?? 0;
  return status === 200 ? { status, body: parseJsonText(Buffer.concat(chunks).toString('utf8')) } : { status };
}

/** A trace of which nobody is to record anything (W3C Trace Context, sampled flag). */
const unsampled = (): string => `00-${randomBytes(16).toString('hex')}-${randomBytes(8).toString('hex')}-00`;
