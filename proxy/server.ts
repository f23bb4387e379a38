import { createServer, type IncomingMessage, type Server, type ServerOptions, ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { SecureContextOptions } from 'node:tls';
import type { RequestHead } from '../instrumentation/capture/types.ts';
import { endWaiting, rawAnswer, sendAnswer } from './own-answers.ts';
import { Exchange, type ExchangeContext, type OnSwitched } from './exchange.ts';
import { hasConnectionOption } from './headers/hop-by-hop.ts';
import { Observation, type Observer } from './observation.ts';
import { believedHeaders, outgoingHead, type RequestRules } from './headers/request-head.ts';
import { requestTarget } from './headers/request-target.ts';
import { limitConnections } from './address-limits.ts';
import { BegunLines } from './begun-lines.ts';
import { rawTargetOf, withRawTarget } from './raw-target.ts';
import type { Beside } from './snippet/beside.ts';
import { switchingHead, tunnel } from './tunnel.ts';
import { Turns } from './turns.ts';

export interface ProxyServerOptions {
  readonly rules: RequestRules;
  readonly observer: Observer;
  readonly exchanges: ExchangeContext;
  /** Serves the requests of the pages' script from the collector; undefined if there is no script. */
  readonly beside: Beside | undefined;
  /** Certificate and key for https; undefined for http. */
  readonly tls: SecureContextOptions | undefined;
  readonly maxHeaderBytes: number;
  /** From the first byte of a request, or from the connection, to the end of the head. */
  readonly headersTimeoutMs: number;
  readonly keepAliveTimeoutMs: number;
  readonly maxConnections: number | undefined;
  /** Connections of one client address; undefined for no limit. */
  readonly maxConnectionsPerAddress: number | undefined;
  /** Called when a connection is closed because its address has reached the limit. */
  readonly onConnectionRefused: () => void;
  /** Called with the status of each request that could not be read. */
  readonly onClientError: (status: number) => void;
}

export interface ProxyServer {
  readonly server: Server;
  /** Changes certificate and key; for https only. */
  renewTls(tls: SecureContextOptions): void;
  /** Ends the connections that speak another protocol: `once` closes them, `leisure` only ends our side. */
  endTunnels(at: 'once' | 'leisure'): void;
}

/** Status for each error code of the parser; 400 for all others. */
const CLIENT_ERROR_STATUS: Readonly<Record<string, number>> = {
  HPE_HEADER_OVERFLOW: 431,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 413,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
};
/** Node's report about a request that it cannot read. */
interface ClientError extends Error {
  readonly code?: string;
  /** The bytes read last. */
  readonly rawPacket?: Buffer;
  /** How many of them were parsed. */
  readonly bytesParsed?: number;
}

const REFUSED_LINGER_MS = 2000;
const CLIENT_TCP_KEEP_ALIVE_MS = 60_000;

/** The listening side: Node's HTTP server with its strict parser, and one exchange with Clowder per request. */
export function createProxyServer(options: ProxyServerOptions): ProxyServer {
  const { rules, observer, exchanges, tls } = options;
  const scheme = tls === undefined ? 'http' : 'https';
  const tunnels = new Set<Duplex>();
  const refused = new WeakSet<Duplex>();
  const turns = new Turns();
  const lines = new BegunLines();

  const serverOptions: ServerOptions = {
    insecureHTTPParser: false,
    maxHeaderSize: options.maxHeaderBytes,
    headersTimeout: options.headersTimeoutMs,
    // A large upload may take any time; the idle time-out catches one that stalls.
    requestTimeout: 0,
    connectionsCheckingInterval: Math.max(100, Math.min(5000, options.headersTimeoutMs / 4)),
    keepAliveTimeout: options.keepAliveTimeoutMs,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: CLIENT_TCP_KEEP_ALIVE_MS,
    optimizeEmptyRequests: true,
    shouldUpgradeCallback: wantsTunnel,
  };
  const server =
    tls === undefined
      ? createServer(serverOptions)
      : createTlsServer({ ...serverOptions, ...tls, handshakeTimeout: options.headersTimeoutMs });
  // Node silently drops headers beyond its count, perhaps Content-Length. Their size is limited anyway.
  server.maxHeadersCount = 0;
  if (options.maxConnections !== undefined) server.maxConnections = options.maxConnections;
  if (options.maxConnectionsPerAddress !== undefined)
    server.prependListener(
      'connection',
      limitConnections(options.maxConnectionsPerAddress, options.onConnectionRefused),
    );
  server.on(tls === undefined ? 'connection' : 'secureConnection', (socket: Socket) => lines.watch(socket));
  server.on('request', onRequest);
  // Clowder decides whether the client may go on.
  server.on('checkContinue', onRequest);
  server.on('checkExpectation', onRequest);
  server.on('upgrade', onUpgrade);
  server.on('connect', (_request: IncomingMessage, socket: Duplex) => {
    socket.on('error', () => socket.destroy());
    options.onClientError(405);
    // Clowder still answers earlier requests first.
    turns.after(socket, () => socket.end(rawAnswer(405, 'This is not a forward proxy.')));
  });
  server.on('clientError', onClientError);

  function onRequest(request: IncomingMessage, response: ServerResponse): void {
    if (rawTargetOf(request.socket) !== undefined) response.shouldKeepAlive = false;
    turns.take(request.socket, request, response, () => exchange(request, response, undefined));
  }

  function exchange(request: IncomingMessage, response: ServerResponse, onSwitched: OnSwitched | undefined): void {
    const { method = 'GET', url = '', httpVersion, rawHeaders, socket } = request;
    const target = requestTarget(method, url);
    const raw = requestTarget(method, rawTargetOf(socket) ?? url);
    if (target === undefined || raw === undefined) {
      options.onClientError(400);
      sendAnswer(request, response, 400, { reason: 'The request target is neither a path nor an http URL.' });
      return;
    }
    const { path, authority } = raw;
    const { remoteAddress } = socket;
    if (options.beside?.has(path) === true && onSwitched === undefined) {
      options.beside.pass(request, response, path);
      return;
    }
    const headers = believedHeaders(request, authority, rules);
    const seen: RequestHead = { method, target: target.path, headers, httpVersion, remoteAddress, scheme };
    const observation = new Observation(observer, seen);
    const upgrade = onSwitched !== undefined;
    const incoming = { method, path, authority, httpVersion, rawHeaders, remoteAddress, scheme, upgrade } as const;
    const head = outgoingHead(incoming, rules, observation.forwardHeaders());
    if ('status' in head) {
      options.onClientError(head.status);
      observation.responseHead(head.status, () => undefined);
      sendAnswer(request, response, head.status, { reason: head.reason });
      observation.end({ complete: true });
      return;
    }
    new Exchange(exchanges, request, response, {
      path,
      head,
      observation,
      ...(onSwitched !== undefined && { onSwitched }),
    }).start();
  }

  function onUpgrade(request: IncomingMessage, socket: Duplex, first: Buffer): void {
    socket.on('error', () => socket.destroy());
    const response = new ServerResponse(request);
    response.shouldKeepAlive = false;
    if (!(socket instanceof Socket)) {
      socket.destroy();
      return;
    }
    turns.take(socket, request, response, () => {
      response.assignSocket(socket);
      response.once('finish', () => socket.destroySoon());
      // Node before 24.9 has no `shouldUpgradeCallback`, and provides no bodies for these requests.
      if (wantsTunnel(request)) exchange(request, response, switchTo(socket, response, first));
      else if (hasBody(request))
        sendAnswer(request, response, 501, { reason: 'An upgrade with a body is not supported.' });
      else exchange(request, response, undefined);
    });
  }

  function switchTo(socket: Socket, response: ServerResponse, first: Buffer): OnSwitched {
    return (head, upstream, rest) => {
      response.detachSocket(socket);
      // The time-out of an idle connection may already run since the previous answer.
      socket.setTimeout(0);
      tunnels.add(socket);
      socket.write(switchingHead(head), 'latin1');
      if (rest.length > 0) socket.write(rest);
      if (first.length > 0) upstream.write(first);
      tunnel(socket, upstream, () => tunnels.delete(socket));
    };
  }

  function onClientError(error: ClientError, socket: Duplex): void {
    const status = CLIENT_ERROR_STATUS[error.code ?? ''] ?? 400;
    if (error.code === 'ECONNRESET' || !socket.writable) {
      socket.destroy();
      return;
    }
    if (socket instanceof Socket && !refused.has(socket) && readAgain(error, socket)) return;
    // Read and discard further bytes for a while: a client that is still writing when the connection closes may not see its
    // answer.
    if (refused.has(socket)) return;
    refused.add(socket);
    options.onClientError(status);
    // Clowder still answers earlier requests: our answer must not be taken for one of its answers.
    if (turns.endAfterThese(socket)) return;
    const answer = answerUnderWay(socket);
    if (answer !== undefined) {
      // No second answer can start within one. That answer is the last if its request was read in full.
      if (answer.req.complete || endWaiting(answer)) answer.once('finish', () => socket.destroy());
      else socket.destroy();
      return;
    }
    socket.end(rawAnswer(status));
    const late = setTimeout(() => socket.destroy(), REFUSED_LINGER_MS);
    socket.once('close', () => clearTimeout(late));
  }

  /** Lets Node read a request again that it refused for raw UTF-8 in the target, once earlier requests are answered. */
  function readAgain(error: ClientError, socket: Socket): boolean {
    if (error.code !== 'HPE_INVALID_URL' || error.rawPacket === undefined) return false;
    const before = lines.before(socket);
    const bytes = before.length === 0 ? error.rawPacket : Buffer.concat([before, error.rawPacket]);
    const connection = withRawTarget(socket, bytes, before.length + (error.bytesParsed ?? 0));
    if (connection === undefined) return false;
    // Ignore what else the parser reports about this connection.
    refused.add(socket);
    turns.after(socket, () => {
      // The time-out of an idle connection may already run since the previous answer.
      socket.setTimeout(0);
      if (socket.writable) server.emit(tls === undefined ? 'connection' : 'secureConnection', connection);
      else connection.destroy();
    });
    return true;
  }

  return {
    server,
    renewTls: (renewed) => {
      if ('setSecureContext' in server && typeof server.setSecureContext === 'function')
        server.setSecureContext(renewed);
    },
    endTunnels: (at) => {
      for (const socket of tunnels)
        if (at === 'once') socket.destroy();
        else socket.end();
    },
  };
}

function answerUnderWay(socket: Duplex): ServerResponse | undefined {
  const answer = '_httpMessage' in socket ? socket._httpMessage : undefined;
  return answer instanceof ServerResponse && answer.headersSent ? answer : undefined;
}

function hasBody({ headers }: IncomingMessage): boolean {
  return Number(headers['content-length'] ?? 0) > 0 || headers['transfer-encoding'] !== undefined;
}

/**
 * Whether a request for another protocol is passed on. With a body, or for HTTP/2, it is answered as if it had not asked: only
 * we could ask the next hop for HTTP/2 (RFC 9110, section 7.8).
 */
function wantsTunnel(request: IncomingMessage): boolean {
  const { upgrade, connection } = request.headers;
  return (
    upgrade !== undefined &&
    !/\bh2c\b/i.test(upgrade) &&
    hasConnectionOption(connection, 'upgrade') &&
    request.httpVersion === '1.1' &&
    !hasBody(request)
  );
}
