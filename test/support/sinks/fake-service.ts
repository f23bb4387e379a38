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
  /** Processes a request: checks it, stores it, and answers. */
  readonly handle: (request: ServiceRequest) => ServiceAnswer | Promise<ServiceAnswer>;
  /** Number of events in a request, for `small`. */
  readonly eventsIn: (request: ServiceRequest) => number;
  /** Answers for faults if the service does not answer plainly with these statuses. */
  readonly answers?: Partial<Record<'throttled' | 'failing' | 'small' | 'unauthorised', ServiceAnswer>>;
  /** Stores the first half of a request's events, for `half_stored`. */
  readonly storeHalf?: (request: ServiceRequest) => void;
}

/** An HTTP server on loopback with faults on demand. */
export interface FakeService extends AsyncDisposable {
  /** `http://127.0.0.1:PORT`; stays the same after `away`. */
  readonly url: string;
  /** Requests read so far. */
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
/** These faults last until healed; the others are over after some requests. */
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
    // Requests without events, such as a dry run, meet no sending fault.
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
      // Either the client left during reading, or the test itself is at fault, which must be visible.
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

/** Cuts the answer in the middle, or sends it one byte at a time. */
async function giveBadly(how: 'cut' | 'drip', answer: ServiceAnswer, response: ServerResponse): Promise<void> {
  const body = Buffer.from(answer.body ?? '');
  // Longer than the part that is sent, so the client cannot take the answer for complete.
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
