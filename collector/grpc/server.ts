import { once } from 'node:events';
import {
  createSecureServer,
  createServer,
  type Http2Server,
  type Http2SecureServer,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import type { Socket } from 'node:net';
import { listenError, urlOf } from '../../runtime/listen-error.ts';
import type { Stranger } from '../strangers.ts';
import { answerCall, type CallParts } from './call.ts';

export interface GrpcServerOptions extends CallParts {
  readonly host: string;
  /** 0 for any free port. */
  readonly port: number;
  /** Certificate and key in PEM form; without them the server speaks plain text. */
  readonly tls: { readonly cert: Buffer; readonly key: Buffer } | undefined;
  /** Called for a client that speaks another protocol, with its address. */
  readonly onStranger: (stranger: Stranger, address: string | undefined) => void;
}

export interface GrpcServer {
  readonly url: string;
  /** Answers calls in flight; accepts no new ones. */
  close(): Promise<void>;
}

const CLOSE_MS = 3000;
const KEEP_ALIVE_MS = 60_000;
const WINDOW_BYTES = 1024 ** 2;
const SETTINGS = { maxConcurrentStreams: 100, initialWindowSize: WINDOW_BYTES } as const;

/**
 * Serves OTLP/gRPC: unary calls over Node's own HTTP/2 ([018](../../docs/adr/018-grpc-on-nodes-http2.md)).
 *
 * @throws ListenError that says what to set instead
 */
export async function startGrpcServer(options: GrpcServerOptions): Promise<GrpcServer> {
  const { host, port, tls } = options;
  const server =
    tls === undefined ? createServer({ settings: SETTINGS }) : createSecureServer({ ...tls, settings: SETTINGS });
  /** Open sessions and their clients: a failed session has no socket any more. */
  const sessions = new Map<ServerHttp2Session, string | undefined>();
  // Detects clients that vanished.
  server.on('connection', (socket: Socket) => socket.setKeepAlive(true, KEEP_ALIVE_MS));
  server.on('session', (session: ServerHttp2Session) => {
    sessions.set(session, session.socket.remoteAddress);
    session.once('close', () => sessions.delete(session));
    session.setLocalWindowSize(WINDOW_BYTES);
  });
  server.on(
    'stream',
    (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void answerCall(stream, headers, options),
  );
  hearStrangers(server, sessions, options.onStranger);
  server.listen(port, host);
  await once(server, 'listening').catch((cause: unknown) => {
    throw listenError(cause, { host, port, portSetting: 'GRPC_PORT' });
  });
  const bound = server.address();
  const boundPort = typeof bound === 'object' && bound !== null ? bound.port : port;
  return {
    url: urlOf(tls === undefined ? 'http' : 'https', host, boundPort),
    close: () => closeServer(server, sessions),
  };
}

/** Reports clients that speak HTTP/1, TLS to a plain port, or plain text to a TLS port. */
function hearStrangers(
  server: Http2Server | Http2SecureServer,
  addresses: ReadonlyMap<ServerHttp2Session, string | undefined>,
  tell: GrpcServerOptions['onStranger'],
): void {
  server.on('sessionError', (error: Error, session: ServerHttp2Session) => {
    if (/bad client magic/i.test(error.message)) tell('otherAtGrpc', addresses.get(session));
  });
  server.on('unknownProtocol', (socket: Socket) => {
    tell('otherAtGrpc', socket.remoteAddress);
    socket.destroy();
  });
  server.on('tlsClientError', (error: Error & { code?: string }, socket: Socket) => {
    if (PLAIN_TEXT.has(error.code)) tell('plainAtGrpc', socket.remoteAddress);
  });
}

/** OpenSSL's codes for a client that does not begin a handshake. */
const PLAIN_TEXT: ReadonlySet<string | undefined> = new Set(['ERR_SSL_HTTP_REQUEST', 'ERR_SSL_WRONG_VERSION_NUMBER']);

async function closeServer(
  server: Http2Server | Http2SecureServer,
  sessions: ReadonlyMap<ServerHttp2Session, unknown>,
): Promise<void> {
  const closed = Promise.withResolvers<void>();
  server.close(() => closed.resolve());
  for (const session of sessions.keys()) session.close();
  const impatience = setTimeout(() => {
    for (const session of sessions.keys()) session.destroy();
  }, CLOSE_MS);
  await closed.promise;
  clearTimeout(impatience);
}
