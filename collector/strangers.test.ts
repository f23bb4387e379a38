import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { createStrangerLog, hearStrangers, type Stranger } from './strangers.ts';

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

/** The answer of a server that listens for strangers to these bytes, and the strangers that it reported. */
async function says(bytes: string | Uint8Array) {
  const heard: [Stranger, string | undefined][] = [];
  const server = createServer({ maxHeaderSize: 1024 }, (_, response) => response.end('served'));
  servers.push(server);
  hearStrangers(server, (stranger, address) => heard.push([stranger, address]));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1', () => socket.write(bytes));
  let answer = '';
  socket.on('data', (chunk) => (answer += chunk.toString('latin1')));
  socket.on('error', () => undefined);
  await once(socket, 'close');
  return { heard, answer };
}

const CLIENT_HELLO = Buffer.of(0x16, 0x03, 0x01, 0x00, 0x05, 0x01, 0x00, 0x00, 0x01, 0x03);

describe('a client that calls the HTTP port', () => {
  test('with gRPC, which is HTTP/2 without TLS, is logged', async () => {
    const { heard } = await says(`PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n${'\0'.repeat(9)}`);
    expect(heard).toEqual([['grpcAtHttp', '127.0.0.1']]);
  });

  test('with TLS is logged', async () => {
    expect((await says(CLIENT_HELLO)).heard).toEqual([['tlsAtHttp', '127.0.0.1']]);
  });

  test.each([
    ['an invalid request', 'nonsense\r\n\r\n', 'HTTP/1.1 400 Bad Request'],
    ['headers that are too long', `GET / HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(2000)}\r\n\r\n`, 'HTTP/1.1 431 '],
  ])('with %s gets the usual answer and is not logged', async (_, bytes, begins) => {
    const { heard, answer } = await says(bytes);
    expect(heard).toEqual([]);
    expect(answer.slice(0, begins.length)).toBe(begins);
  });

  test('with HTTP/1 is served', async () => {
    const { heard, answer } = await says('GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
    expect([heard, answer.endsWith('served')]).toEqual([[], true]);
  });
});

describe('the log', () => {
  test('says what the client is and where to send to, once a minute for each kind', () => {
    const log = { warn: vi.fn() };
    let nowMs = 0;
    const say = createStrangerLog(
      log,
      () => nowMs,
      () => ({ http: 4318, grpc: 4317 }),
    );
    say('grpcAtHttp', '10.0.0.7');
    say('grpcAtHttp', '10.0.0.8');
    say('otherAtGrpc', '10.0.0.9');
    nowMs = 60_000;
    say('grpcAtHttp', '10.0.0.8');
    expect(log.warn.mock.calls).toEqual([
      [
        { address: '10.0.0.7' },
        expect.stringMatching(/^A client speaks gRPC .*4318.*send it to port 4317.*http\/protobuf/),
      ],
      [
        { address: '10.0.0.9' },
        expect.stringMatching(/to port 4317, which takes OTLP\/gRPC: send OTLP\/HTTP to port 4318/),
      ],
      [{ address: '10.0.0.8' }, expect.stringMatching(/^A client speaks gRPC/)],
    ]);
  });

  test('names the setting if there is no gRPC port', () => {
    const log = { warn: vi.fn() };
    createStrangerLog(
      log,
      () => 0,
      () => ({ http: 1, grpc: undefined }),
    )('grpcAtHttp', undefined);
    expect(log.warn.mock.calls[0]?.[1]).toContain('set GRPC_PORT here');
  });
});
