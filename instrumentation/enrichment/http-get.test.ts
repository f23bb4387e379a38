import { context } from '@opentelemetry/api';
import { isTracingSuppressed } from '@opentelemetry/core';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, request, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { createAuthority } from '../../test/support/certificates.ts';
import { tempDir } from '../../test/support/processes.ts';
import { startRecordingSdk } from '../../test/support/recording-sdk.ts';
import { createHttpGet } from './http-get.ts';

const servers: Server[] = [];
const never = new AbortController().signal;

afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

async function listen(server: Server): Promise<string> {
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no TCP port was given');
  return `127.0.0.1:${address.port}`;
}

const serve = async (handle: RequestListener): Promise<URL> => new URL(`http://${await listen(createServer(handle))}`);

test('a look-up asks under the context path, with the given credentials and a trace that is not recorded', async () => {
  let seen: unknown;
  const url = await serve(({ url: target, method, headers }, response) => {
    seen = { target, method, headers };
    response.end('{"name":"ä"}');
  });
  const get = createHttpGet({ url: new URL('/clowder/', url) });
  expect(await get('/api/me', { cookie: 'id=1' }, never)).toEqual({ status: 200, body: { name: 'ä' } });
  expect(seen).toMatchObject({
    target: '/clowder/api/me',
    method: 'GET',
    headers: { cookie: 'id=1', 'user-agent': 'clowder-otel', traceparent: expect.stringMatching(/-00$/) as unknown },
  });
});

test('a look-up reuses the connection, even after the earlier look-up timed out', async () => {
  const connections = new Set<Socket>();
  const url = await serve(({ socket }, response) => {
    connections.add(socket);
    response.end('{}');
  });
  const get = createHttpGet({ url });
  for (let count = 0; count < 5; count += 1) {
    const controller = new AbortController();
    await get('/', {}, controller.signal);
    controller.abort();
  }
  expect(connections.size).toBe(1);
});

test('a look-up gives only the status if it is not 200, and follows no redirect', async () => {
  const url = await serve((_request, response) => response.writeHead(302, { location: '/login' }).end('{"name":"x"}'));
  expect(await createHttpGet({ url })('/', {}, never)).toEqual({ status: 302 });
});

test('a look-up fails if no answer comes, or if the answer breaks off, is endless, or was given up', async () => {
  const controller = new AbortController();
  const url = await serve(({ url: target }, response) => {
    if (target === '/broken') response.write('{"a', () => response.destroy());
    if (target === '/endless') response.end('"'.padEnd(300_000, 'x'));
    if (target === '/silent') controller.abort();
  });
  const get = createHttpGet({ url });
  await expect(get('/broken', {}, never)).rejects.toThrow('aborted');
  await expect(get('/endless', {}, never)).rejects.toThrow('too long');
  await expect(get('/silent', {}, controller.signal)).rejects.toThrow('aborted');
  await expect(createHttpGet({ url: new URL('http://127.0.0.1:1') })('/', {}, never)).rejects.toThrow('ECONNREFUSED');
});

test('a look-up is invisible to instrumentations', async () => {
  await using _sdk = startRecordingSdk();
  const url = await serve((_request, response) => response.end('{}'));
  const suppressed: boolean[] = [];
  const onStart = (): void => void suppressed.push(isTracingSuppressed(context.active()));
  subscribe('http.client.request.start', onStart);
  await createHttpGet({ url })('/', {}, never);
  const [ordinary] = (await once(request(url).end(), 'response')) as [IncomingMessage];
  ordinary.resume();
  unsubscribe('http.client.request.start', onStart);
  expect(suppressed).toEqual([true, false]);
});

test('a look-up trusts the configured CA', async () => {
  const temp = await tempDir('http-get');
  const authority = await createAuthority(temp.path, 'ca');
  const { cert, key } = await authority.issue('server');
  const server = createTlsServer({ cert: await readFile(cert), key: await readFile(key) }, (_request, response) => {
    response.end('{}');
  });
  const url = new URL(`https://${await listen(server)}`);
  await expect(createHttpGet({ url })('/', {}, never)).rejects.toThrow(/certificate/);
  const ca = await readFile(authority.ca);
  expect(await createHttpGet({ url, ca })('/', {}, never)).toMatchObject({ status: 200 });
  expect(await createHttpGet({ url, rejectUnauthorized: false })('/', {}, never)).toMatchObject({ status: 200 });
  await temp.remove();
});
