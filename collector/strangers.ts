import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import type { Logger } from '../runtime/logging.ts';

/** The ports of the collector, for its messages. */
export interface Ports {
  readonly http: number;
  /** Undefined if the collector does not take gRPC. */
  readonly grpc: number | undefined;
}

/** Messages about clients that call the wrong port: what they speak, and what to do. */
const STRANGERS = {
  grpcAtHttp: ({ http, grpc }: Ports) =>
    `A client speaks gRPC (HTTP/2 without TLS) to port ${http}, which takes OTLP/HTTP: ${
      grpc === undefined ? 'set GRPC_PORT here' : `send it to port ${grpc}`
    }, or set OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf there`,
  tlsAtHttp: ({ http }: Ports) =>
    `A client speaks TLS to port ${http}, which is plain HTTP: let it use http://, or put a server with TLS in front`,
  otherAtGrpc: ({ http, grpc }: Ports) =>
    `A client speaks HTTP/1 or TLS to port ${grpc}, which takes OTLP/gRPC: send OTLP/HTTP to port ${http}; for gRPC over TLS, set GRPC_TLS_CERT_FILE here`,
  plainAtGrpc: ({ grpc }: Ports) =>
    `A client speaks without TLS to port ${grpc}, which takes OTLP/gRPC with TLS: let it use https://, or unset GRPC_TLS_CERT_FILE here`,
} as const satisfies Readonly<Record<string, (ports: Ports) => string>>;

export type Stranger = keyof typeof STRANGERS;

/** A misconfigured client repeats its mistake, so each kind is logged once in this time. */
const SAY_EVERY_MS = 60_000;

/** Logs clients that call the wrong port: the first of each kind in a minute. */
export function createStrangerLog(
  log: Pick<Logger, 'warn'>,
  now: () => number,
  ports: () => Ports,
): (stranger: Stranger, address: string | undefined) => void {
  const saidMs = new Map<Stranger, number>();
  return function say(stranger, address) {
    const nowMs = now();
    if (nowMs - (saidMs.get(stranger) ?? -Infinity) < SAY_EVERY_MS) return;
    saidMs.set(stranger, nowMs);
    log.warn({ address }, STRANGERS[stranger](ports()));
  };
}

/** If a connection begins with these bytes, it is this protocol, not HTTP/1. */
const OPENINGS: readonly (readonly [opening: Buffer, stranger: Stranger])[] = [
  [Buffer.from('PRI * HTTP/2.0'), 'grpcAtHttp'],
  // A TLS handshake (RFC 8446, section 5.1).
  [Buffer.of(0x16, 0x03), 'tlsAtHttp'],
];

/** Node's own answers, which it gives if there is no listener for such errors. */
const ANSWERS: Readonly<Record<string, string>> = {
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
  HPE_CHUNK_EXTENSIONS_OVERFLOW: '413 Payload Too Large',
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
};

/** Makes a server report connections that do not speak HTTP/1. Whatever it cannot read, it answers as Node does. */
export function hearStrangers(server: Server, tell: (stranger: Stranger, address: string | undefined) => void): void {
  server.on('clientError', (error: Error & { code?: string; rawPacket?: Buffer }, socket: Socket) => {
    const begins = error.rawPacket;
    const found = OPENINGS.find(([opening]) => begins?.subarray(0, opening.length).equals(opening));
    if (found !== undefined) tell(found[1], socket.remoteAddress);
    if (socket.writable && found === undefined && error.code !== 'ECONNRESET')
      socket.write(`HTTP/1.1 ${ANSWERS[error.code ?? ''] ?? '400 Bad Request'}\r\nConnection: close\r\n\r\n`);
    socket.destroy(error);
  });
}
