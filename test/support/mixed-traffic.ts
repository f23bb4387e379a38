import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { connectRaw, type RawClient } from './raw-http.ts';

const PIECE = Buffer.alloc(65_536, 'clowder ');
const FILE = '64a1f0c2e4b0d3a9c8f7b6a5';
const OK = 'HTTP/1.1 200';

/** A Clowder that answers early, late, at length and with hints, and stores nothing. */
export async function startRoughClowder(): Promise<{ readonly url: string } & AsyncDisposable> {
  const answers: Readonly<Record<string, (request: IncomingMessage, response: ServerResponse) => void>> = {
    early: (_request, response) => void response.writeHead(413, { 'Content-Length': 5 }).end('large'),
    large: (_request, response) => {
      response.writeHead(200, { 'Content-Type': 'application/octet-stream' });
      const more = (): void => {
        while (!response.destroyed && response.write(PIECE));
        if (!response.destroyed) response.once('drain', more);
      };
      more();
    },
    hints: (_request, response) => {
      for (let hint = 0; hint < 20; hint += 1) response.writeEarlyHints({ link: '</style.css>; rel=preload' });
      response.end('ok');
    },
  };
  const server = createServer((request, response) => {
    response.on('error', () => undefined);
    request.on('error', () => undefined);
    const how = Object.keys(answers).find((one) => request.url?.includes(one));
    if (how !== undefined) answers[how]?.(request, response);
    else request.resume().on('end', () => void response.end(JSON.stringify({ id: FILE })));
  });
  server.on('upgrade', (_request: IncomingMessage, socket: Duplex) => {
    socket.on('error', () => socket.destroy());
    socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n');
    socket.pipe(socket);
  });
  server.keepAliveTimeout = 60_000;
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no TCP port was given');
  return {
    url: `http://127.0.0.1:${address.port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

const get = (path: string, more = ''): string => `GET ${path} HTTP/1.1\r\nHost: h\r\n${more}\r\n`;
const upload = (path: string, bytes: number): string =>
  `POST ${path} HTTP/1.1\r\nHost: h\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: ${bytes}\r\n\r\n` +
  '--b\r\nContent-Disposition: form-data; name="File"; filename="a.bin"\r\n\r\n';
const UPLOAD = `/api/uploadToDataset/${FILE}`;
const BLOB = `/api/files/${FILE}/blob`;
const countOf = (text: string): number => text.split(OK).length - 1;

/** What clients do, each on its own connection, which it then closes. */
const CLIENTS: Readonly<Record<string, (client: RawClient) => Promise<unknown>>> = {
  asks: async (client) => {
    for (let turn = 1; turn <= 20; turn += 1) {
      client.send(get(turn % 2 === 0 ? BLOB : `/api/datasets/${FILE}`));
      await client.until((text) => countOf(text) === turn);
    }
  },
  pipelines: async (client) => {
    client.send(get(BLOB).repeat(100));
    await client.until((text) => countOf(text) === 100);
  },
  'pipelines and leaves': async (client) => {
    client.send(get(BLOB).repeat(300));
    await client.until(OK);
  },
  'pipelines and does not read': async (client) => {
    client.socket.pause();
    await new Promise((resolve) => client.socket.write(get(BLOB).repeat(500), resolve));
  },
  'pipelines uploads': async (client) => {
    client.send(`${upload(UPLOAD, 72)}\r\n--b--\r\n`.repeat(20));
    await client.until(OK);
  },
  'leaves an upload': async (client) => {
    client.send(upload(UPLOAD, 10_000_000));
    await new Promise((resolve) => client.socket.write(PIECE, resolve));
  },
  'is answered early and leaves': async (client) => {
    client.send(upload('/api/uploadToDataset/early', 10_000_000));
    await client.until('413');
  },
  'is answered early and goes on': async (client) => {
    client.send(upload('/api/uploadToDataset/early', 400_000));
    for (let piece = 0; piece < 5; piece += 1) client.socket.write(PIECE);
    await client.until('large');
  },
  'leaves a download': async (client) => {
    client.send(get(`${BLOB}?large`));
    await client.until((text) => text.length > 200_000);
  },
  'gets hints': async (client) => {
    client.send(get('/hints'));
    await client.until(OK);
  },
  'is refused': async (client) => {
    client.send('GET / HTTP/1.1\nHost: h\n\n');
    await client.closed;
  },
  'asks in raw UTF-8': async (client) => {
    client.send(get(`${BLOB}?name=\xc3\xa4`).repeat(2));
    // This Clowder runs on Node, which refuses such a request.
    await client.until('HTTP/1.1 400');
  },
  tunnels: async (client) => {
    client.send(get('/api/ws', 'Connection: Upgrade\r\nUpgrade: echo\r\n'));
    await client.until('101');
    client.send('echo');
    await client.until('echo');
  },
};

/** Runs `times` clients of every kind at once. @throws Error if one does not get the expected answer */
export async function mixedTraffic(port: number, times: number): Promise<void> {
  const kinds = Object.entries(CLIENTS).flatMap((kind) => Array.from({ length: times }, () => kind));
  await Promise.all(
    kinds.map(async ([name, act]) => {
      const client = await connectRaw(port);
      try {
        await act(client);
      } catch (cause) {
        throw new Error(`the client that ${name}`, { cause });
      } finally {
        client.socket.destroy();
      }
    }),
  );
}
