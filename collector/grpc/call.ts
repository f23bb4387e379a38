import { constants, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import type { Logger } from '../../runtime/logging.ts';
import { CollectorError } from '../errors.ts';
import { admit, type Asked, type KeyGuard } from '../keys/auth.ts';
import { handleAs } from '../keys/sender.ts';
import { COMPRESSED } from '../otlp/codings.ts';
import type { OtlpReceiver } from '../otlp/receiver.ts';
import { exportResponse, type Signal } from '../otlp/responses.ts';
import { framed, readMessage } from './message.ts';
import { errorTrailers, grpcCode, OK } from './status.ts';

export interface CallParts {
  readonly receive: OtlpReceiver;
  readonly guard: KeyGuard;
  /** Called for each call that was answered. */
  readonly onAnswered: (signal: Signal | 'other', code: number) => void;
  readonly log: Pick<Logger, 'error'>;
}

/** The supported methods (opentelemetry-proto, collector services), by signal. */
const METHODS = {
  traces: '/opentelemetry.proto.collector.trace.v1.TraceService/Export',
  logs: '/opentelemetry.proto.collector.logs.v1.LogsService/Export',
  metrics: '/opentelemetry.proto.collector.metrics.v1.MetricsService/Export',
} as const satisfies Readonly<Record<Signal, string>>;

const SIGNAL_OF: ReadonlyMap<string, Signal> = new Map(
  Object.entries(METHODS).map(([signal, path]) => [path, signal as Signal]),
);

const HEAD = {
  ':status': 200,
  'content-type': 'application/grpc',
  'grpc-accept-encoding': ['identity', ...COMPRESSED].join(','),
} as const;

const LINGER_MS = 1000;

/** Answers one call. The key is checked before the message is read. */
export async function answerCall(
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  parts: CallParts,
): Promise<void> {
  // A client that disconnects is not our error, whenever it does.
  stream.on('error', () => undefined);
  if (refuseOther(stream, headers)) return;
  const signal = SIGNAL_OF.get(String(headers[':path']));
  try {
    const answer = await take(stream, headers, signal, parts);
    parts.onAnswered(signal ?? 'other', OK);
    succeed(stream, answer);
  } catch (thrown) {
    const error = thrown instanceof CollectorError ? thrown : new CollectorError('internal_error');
    if (thrown !== error) parts.log.error({ err: thrown, path: headers[':path'] }, 'call failed');
    parts.onAnswered(signal ?? 'other', grpcCode(error));
    fail(stream, error);
  }
}

/** Answers a request that is not gRPC at all in HTTP (gRPC over HTTP/2, "Requests"). @returns whether it was one */
function refuseOther(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): boolean {
  if (/^application\/grpc(?:$|[+;])/i.test(headers['content-type'] ?? '')) return false;
  stream.respond({ ':status': 415, 'content-type': 'text/plain; charset=utf-8' });
  stream.end('This port takes OTLP/gRPC: send content-type application/grpc, or OTLP/HTTP to the port of HTTP\n');
  dropRest(stream);
  return true;
}

async function take(
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  signal: Signal | undefined,
  { receive, guard }: CallParts,
): Promise<Uint8Array> {
  const admission = await admit('ingest', guard, askedBy(stream, headers));
  if ('refused' in admission) throw admission.refused;
  if (signal === undefined)
    throw new CollectorError(
      'not_found',
      `There is no method ${String(headers[':path']).slice(0, 200)}: OTLP has ${Object.values(METHODS).join(', ')}`,
    );
  const encoding = textOf(headers, 'grpc-encoding') ?? '';
  const { rejected, message } = await handleAs(admission.sender, () =>
    receive(signal, 'protobuf', (limits) => readMessage(stream, encoding, limits)),
  );
  return exportResponse('protobuf', signal, rejected, message);
}

function askedBy(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): Asked {
  return {
    header: (name) => textOf(headers, name),
    host: headers[':authority'],
    peer: stream.session?.socket.remoteAddress,
  };
}

function textOf(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value[0] : value;
}

function succeed(stream: ServerHttp2Stream, message: Uint8Array): void {
  if (stream.destroyed) return;
  stream.respond(HEAD, { waitForTrailers: true });
  stream.once('wantTrailers', () => stream.sendTrailers({ 'grpc-status': OK }));
  stream.end(framed(message));
}

function fail(stream: ServerHttp2Stream, error: CollectorError): void {
  if (stream.destroyed) return;
  stream.respond({ ...HEAD, ...errorTrailers(error) }, { endStream: true });
  dropRest(stream);
}

/** Drops what the client still sends after its answer, and cuts it off if it does not stop. */
function dropRest(stream: ServerHttp2Stream): void {
  stream.resume();
  const impatience = setTimeout(() => stream.close(constants.NGHTTP2_NO_ERROR), LINGER_MS);
  stream.once('close', () => clearTimeout(impatience));
}
