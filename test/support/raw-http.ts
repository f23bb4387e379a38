import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

/** A TCP server whose test writes raw bytes. */
export interface RawServer extends AsyncDisposable {
  readonly port: number;
  readonly url: string;
  /** What each connection has received so far, in order of connection; latin1. */
  readonly received: readonly string[];
  readonly sockets: readonly Socket[];
}

/** Called for every piece received; `text` is everything that the connection has received. */
export type OnBytes = (socket: Socket, text: string, connection: number) => void;

/**
 * Starts a server on 127.0.0.1. The test ends its side of each connection.
 *
 * @param port @default a free one
 */
export async function startRawServer(onBytes: OnBytes, port = 0): Promise<RawServer> {
  const received: string[] = [];
  const sockets: Socket[] = [];
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    const connection = sockets.push(socket) - 1;
    received.push('');
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk) => {
      const text = received[connection] + chunk.toString('latin1');
      received[connection] = text;
      onBytes(socket, text, connection);
    });
  }).listen(port, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no TCP port was given');
  return {
    port: address.port,
    url: `http://127.0.0.1:${address.port}`,
    received,
    sockets,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

/** A client that sends and receives raw bytes. */
export interface RawClient {
  readonly socket: Socket;
  /** Everything received so far; latin1. */
  received(): string;
  send(text: string): void;
  /** Resolves with everything received once it satisfies the condition. @throws Error if the connection ends before */
  until(condition: string | ((text: string) => boolean)): Promise<string>;
  /** Resolves when the other side has ended or broken the connection. */
  readonly closed: Promise<'ended' | 'broken'>;
}

/** Connects to a port of 127.0.0.1. */
export async function connectRaw(port: number): Promise<RawClient> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  let text = '';
  let over: 'ended' | 'broken' | undefined;
  const ending = Promise.withResolvers<'ended' | 'broken'>();
  const watchers = new Set<() => void>();
  const end = (how: 'ended' | 'broken') => (): void => {
    over ??= how;
    ending.resolve(over);
    for (const watch of watchers) watch();
  };
  socket.on('end', end('ended')).on('error', end('broken')).on('close', end('broken'));
  socket.on('data', (chunk) => {
    text += chunk.toString('latin1');
    for (const watch of watchers) watch();
  });
  await once(socket, 'connect');
  return {
    socket,
    received: () => text,
    send: (bytes) => void socket.write(bytes, 'latin1'),
    closed: ending.promise,
    until(condition) {
      const met = typeof condition === 'string' ? () => text.includes(condition) : () => condition(text);
      const { promise, resolve, reject } = Promise.withResolvers<string>();
      const watch = (): void => {
        if (met()) resolve(text);
        else if (over !== undefined) reject(new Error(`the connection ${over} before that; it said:\n${text}`));
        else return;
        watchers.delete(watch);
      };
      watchers.add(watch);
      watch();
      return promise;
    },
  };
}

/** Sends bytes on a new connection and resolves with everything received until the other side ends it. */
export async function exchangeRaw(port: number, bytes: string): Promise<{ text: string; how: 'ended' | 'broken' }> {
  const client = await connectRaw(port);
  client.send(bytes);
  const how = await client.closed;
  client.socket.destroy();
  return { text: client.received(), how };
}
