import { ROOT_CONTEXT, context } from '@opentelemetry/api';
import { suppressTracing } from '@opentelemetry/core';
import { randomBytes } from 'node:crypto';
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { parseJsonText } from '../../taxonomy/http/json-text.ts';
import type { Answer, Get } from './ask.ts';

export interface HttpGetOptions {
  /** Clowder's URL: scheme, host, port, and the path before every route. */
  readonly url: URL;
  /** CA of Clowder's certificate, PEM. */
  readonly ca?: Buffer | undefined;
  /** Whether Clowder's certificate is checked. @default true */
  readonly rejectUnauthorized?: boolean | undefined;
}

const LONGEST_ANSWER = 256 * 1024;

/** Asks Clowder over HTTP on its own connections, untraced: neither this process nor an instrumented Clowder records a span. */
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
      // Unref'd, so a program with nothing else to do can end.
      outgoing.on('socket', (socket) => socket.unref());
      outgoing.once('response', resolve).on('error', reject).end();
      return await read(await promise);
    });
}

/** @throws Error if the answer breaks off or exceeds LONGEST_ANSWER */
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

/** A trace that must not be recorded (W3C Trace Context, sampled flag). */
const unsampled = (): string => `00-${randomBytes(16).toString('hex')}-${randomBytes(8).toString('hex')}-00`;
