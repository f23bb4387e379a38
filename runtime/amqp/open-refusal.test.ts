import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { waitFor } from '../../test/support/wait-for.ts';
import { refusalOfOpening } from './open-refusal.ts';

let server: Server | undefined;
const sockets = new Set<Socket>();
afterEach(() => {
  for (const socket of sockets) socket.destroy();
  sockets.clear();
  server?.close();
});

const method = (classId: number, id: number, ...fields: Buffer[]): Buffer => {
  const payload = Buffer.concat([Buffer.of(0, classId, 0, id), ...fields]);
  const head = Buffer.alloc(7);
  head.writeUInt8(1, 0);
  head.writeUInt32BE(payload.length, 3);
  return Buffer.concat([head, payload, Buffer.of(0xce)]);
};
const START = method(10, 10, Buffer.of(0, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0));
const TUNE = method(10, 30, Buffer.of(7, 255, 0, 2, 0, 0, 0, 60));
const OPEN_OK = method(10, 41, Buffer.of(0));
const close = (code: number, words: string): Buffer =>
  method(10, 50, Buffer.of(code >> 8, code & 255, words.length), Buffer.from(words), Buffer.of(0, 10, 0, 40));

/** Answers each write of the client with the next of these, in two pieces; `said` then has what the client wrote. */
async function broker(answers: readonly Buffer[]): Promise<{ url: string; said: () => string }> {
  const said: Buffer[] = [];
  const left = [...answers];
  server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('data', (chunk: Buffer) => {
      said.push(chunk);
      const next = left.shift();
      if (next === undefined) return;
      socket.write(next.subarray(0, 5));
      setImmediate(() => socket.write(next.subarray(5)));
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return { url: `amqp://us%40er:p%2Fw@127.0.0.1:${port}`, said: () => Buffer.concat(said).toString('latin1') };
}

const ask = (url: string, timeoutMs = 5000): Promise<string | undefined> =>
  refusalOfOpening(url, { timeoutMs, signal: new AbortController().signal });

test('gives the words of a broker that does not open the virtual host for the user of the URL', async () => {
  const { url, said } = await broker([START, TUNE, close(530, "NOT_ALLOWED - vhost a/b' not found")]);
  expect(await ask(`${url}/a%2Fb`)).toBe('Connection closed: 530 with message "NOT_ALLOWED - vhost a/b\' not found"');
  expect(said()).toContain('AMQP\0\0\t\u0001');
  expect(said()).toContain('\0us@er\0p/w');
  expect(said()).toContain('\u0003a/b\0\0');
});

test('gives nothing if the broker would now open it', async () => {
  const { url } = await broker([START, TUNE, OPEN_OK]);
  expect(await ask(url)).toBeUndefined();
});

test('gives nothing if the broker does not answer, cuts the connection, or is not there', async () => {
  const silent = await broker([START]);
  expect(await ask(silent.url, 50)).toBeUndefined();
  const cut = ask(silent.url);
  await waitFor(() => sockets.size === 2, { what: 'the connection' });
  for (const socket of sockets) socket.destroy();
  expect(await cut).toBeUndefined();
  expect(await ask('amqp://127.0.0.1:1')).toBeUndefined();
});
