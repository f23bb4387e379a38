import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { gunzipSync } from 'node:zlib';

/** An OTLP/HTTP receiver that keeps the raw bytes: text is readable in both protobuf and JSON. */
export interface ByteSink extends AsyncDisposable {
  readonly url: string;
  /** Bodies so far, decompressed, one character per byte. */
  content(): string;
}

/** @param forwardTo an OTLP/HTTP receiver that also gets everything, and whose answers are passed on */
export async function startByteSink(forwardTo?: string): Promise<ByteSink> {
  const received: string[] = [];
  async function receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await buffer(request);
    const { 'content-encoding': encoding, 'content-type': type = 'application/json', authorization } = request.headers;
    received.push((encoding === 'gzip' ? gunzipSync(body) : body).toString('latin1'));
    if (forwardTo === undefined) {
      response.setHeader('content-type', type).end(type.includes('json') ? '{}' : '');
      return;
    }
    const headers = {
      'content-type': type,
      ...(encoding !== undefined && { 'content-encoding': encoding }),
      ...(authorization !== undefined && { authorization }),
    };
    const answer = await fetch(`${forwardTo}${request.url ?? ''}`, { method: 'POST', headers, body });
    response.writeHead(answer.status, { 'content-type': type }).end(Buffer.from(await answer.arrayBuffer()));
  }
  const server = createServer((request, response) => {
    receive(request, response).catch(() => response.writeHead(503, { 'retry-after': '1' }).end());
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no TCP port was given');
  return {
    url: `http://127.0.0.1:${address.port}`,
    content: () => received.join('\n'),
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}
