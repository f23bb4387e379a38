import { createServer, type Server } from 'node:http';
import { expect, test, vi } from 'vitest';
import { ListenError } from './listen-error.ts';
import { listen, type HttpServer } from './listener.ts';

const answer = (): Server => createServer((_request, response) => response.end('here'));

test('serves on a free port if PORT is 0, until it is closed', async () => {
  const server = await listen(answer(), { host: '127.0.0.1', port: 0 });
  expect(server.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  expect(await (await fetch(server.url)).text()).toBe('here');
  await server.close();
  await expect(fetch(server.url)).rejects.toThrow('fetch failed');
});

test('requests in flight are answered before it is closed, and it does not wait for their connections', async () => {
  const entered = Promise.withResolvers<void>();
  const leave = Promise.withResolvers<void>();
  const http = createServer((_request, response) => {
    entered.resolve();
    void leave.promise.then(() => response.end('here'));
  });
  const cutOff = vi.spyOn(http, 'closeAllConnections');
  const server = await listen(http, { host: '127.0.0.1', port: 0 });
  const asked = fetch(server.url).then((response) => response.text());
  await entered.promise;
  const closed = server.close();
  leave.resolve();
  expect(await asked).toBe('here');
  await closed;
  expect(cutOff).not.toHaveBeenCalled();
});

async function refusal(host: string, port: number): Promise<unknown> {
  let server: HttpServer;
  try {
    server = await listen(answer(), { host, port });
  } catch (error) {
    return error;
  }
  await server.close();
  throw new Error(`it listens at ${server.url}`);
}

test('a port in use is named', async () => {
  const first = await listen(answer(), { host: '127.0.0.1', port: 0 });
  const port = Number(new URL(first.url).port);
  const error = await refusal('127.0.0.1', port);
  expect(error).toBeInstanceOf(ListenError);
  expect(error).toMatchObject({
    code: 'cannot_listen',
    message: `PORT ${port} of 127.0.0.1 is in use by another program: stop that one, or set PORT to a free one`,
  });
  await first.close();
});

test('an address that this machine does not have is named', async () => {
  expect(await refusal('192.0.2.1', 0)).toMatchObject({
    message: 'HOST 192.0.2.1 is not an address of this machine: set HOST to one that is, or to 0.0.0.0 for all',
  });
});
