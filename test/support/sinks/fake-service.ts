import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import type { FaultName } from './harness.ts';

const DECODERS: Readonly<Record<string, ((body: Buffer) => Buffer) | undefined>> = {
  gzip: (body) => gunzipSync(body),
  zstd: (body) => zstdDecompressSync(body),
};

/** A request as a service reads it. */
export interface ServiceRequest {
  readonly method: string;
  /** With the query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** Decompressed. */
  readonly body: Buffer;
}

export interface ServiceAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
}

export interface FakeServiceOptions {
  /** What the service does with a request: checks it, stores it, answers. */
  readonly handle: (request: ServiceRequest) => ServiceAnswer | Promise<ServiceAnswer>;
  /** How many events a request holds, for `small`. */
  readonly eventsIn: (request: ServiceRequest) => number;
  /** Answers of the faults, where the service has others than plain ones with these statuses. */
  readonly answers?: Partial<Record<'throttled' | 'failing' | 'small' | 'unauthorised', ServiceAnswer>>;
  /** Stores the first half of a request's events, for `half_stored`. */
  readonly storeHalf?: (request: ServiceRequest) => void;
}

/** An HTTP server on loopback with faults on demand. */
export interface FakeService extends AsyncDisposable {
  /** `http://127.0.0.1:PORT`, the same over `away` and back. */
  readonly url: string;
  /** Requests that were read so far. */
  readonly requests: readonly ServiceRequest[];
  fault(name: FaultName): Promise<void>;
  heal(): Promise<void>;
}

const ANSWERS = {
  throttled: { status: 429, headers: { 'retry-after': '1' }, body: 'too many requests' },
  failing: { status: 500, body: 'internal error' },
  small: { status: 413, body: 'too large' },
  unauthorised: { status: 401, body: 'unknown key' },
} as const;
/** Faults that last until they are healed; each other one is over after so many requests. */
const LASTING: ReadonlySet<FaultName> = new Set(['small', 'unauthorised', 'away']);
const REQUESTS_OF: Partial<Record<FaultName, number>> = { failing: 2 };
const SMALL_EVENTS = 10;
const DRIP_MS = 200;

/** Starts a server for a service. */
export async function startFakeService(options: FakeServiceOptions): Promise<FakeService> {
  const requests: ServiceRequest[] = [];
  const sockets = new Set<Socket>();
  const answers = { ...ANSWERS, ...options.answers };
  let scripted: FaultName[] = [];
  const lasting = new Set<FaultName>();

  const answerTo = async (request: ServiceRequest, response: ServerResponse): Promise<void> => {
    const give = (answer: ServiceAnswer): void => {
      response.writeHead(answer.status, answer.headers).end(answer.body);
    };
    if (lasting.has('unauthorised')) return give(answers.unauthorised);
    if (lasting.has('small') && options.eventsIn(request) > SMALL_EVENTS) return give(answers.small);
    // A dry run, or whatever else holds no events, meets no fault of sending.
    const fault = options.eventsIn(request) > 0 ? scripted.shift() : undefined;
    if (fault === 'silent') return;
    if (fault === 'cut' || fault === 'drip') return giveBadly(fault, await options.handle(request), response);
    if (fault === 'half_stored') options.storeHalf?.(request);
    give(fault === undefined ? await options.handle(request) : answers[fault === 'throttled' ? fault : 'failing']);
  };

  const serve = async (incoming: IncomingMessage, response: ServerResponse): Promise<void> => {
    const request = await read(incoming);
    requests.push(request);
    await answerTo(request, response);
  };
  const server = createServer((incoming, response) => {
    serve(incoming, response).catch((error: unknown) => {
      // A client that left while it was read from; or the test's own mistake, which must be seen.
      if (incoming.destroyed && !incoming.complete) response.destroy();
      else response.writeHead(500).end(`the fake service itself failed: ${String(error)}`);
    });
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no TCP port was given');
  const { port } = address;

  const close = async (): Promise<void> => {
    if (!server.listening) return;
    const closed = once(server, 'close');
    server.close();
    for (const socket of sockets) socket.destroy();
    await closed;
  };
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    fault: async (name) => {
      if (name === 'away') await close();
      else if (LASTING.has(name)) lasting.add(name);
      else for (let count = REQUESTS_OF[name] ?? 1; count > 0; count -= 1) scripted.push(name);
    },
    heal: async () => {
      scripted = [];
      lasting.clear();
      if (server.listening) return;
      server.listen(port, '127.0.0.1');
      await once(server, 'listening');
    },
    [Symbol.asyncDispose]: close,
  };
}

/** The answer cut in its middle, or a byte at a time. */
async function giveBadly(how: 'cut' | 'drip', answer: ServiceAnswer, response: ServerResponse): Promise<void> {
  const body = Buffer.from(answer.body ?? '');
  // Of a body that is longer than what comes of it: the client cannot take the answer for whole.
  const length = Math.max(body.length, 20);
  response.writeHead(answer.status, { ...answer.headers, 'content-length': String(length) });
  const padded = Buffer.concat([body, Buffer.alloc(length - body.length, ' ')]);
  if (how === 'cut') {
    response.write(padded.subarray(0, length / 2));
    await delay(20);
    response.destroy();
    return;
  }
  for (const byte of padded) {
    if (response.destroyed) return;
    response.write(Buffer.from([byte]));
    await delay(DRIP_MS);
  }
  response.end();
}

async function read(incoming: IncomingMessage): Promise<ServiceRequest> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  const raw = Buffer.concat(chunks);
  const headers: Record<string, string | undefined> = {};
  for (const [name, value] of Object.entries(incoming.headers))
    headers[name] = Array.isArray(value) ? value.join(', ') : value;
  return {
    method: incoming.method ?? '',
    path: incoming.url ?? '',
    headers,
    body: DECODERS[headers['content-encoding'] ?? '']?.(raw) ?? raw,
  };
}
