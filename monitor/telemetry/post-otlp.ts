import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { convertLegacyHttpOptions } from '@opentelemetry/otlp-exporter-base/node-http';
import { ProtobufLogsSerializer, ProtobufMetricsSerializer } from '@opentelemetry/otlp-transformer';
import type { SendOutcome } from '../../runtime/sending/outcome.ts';
import { retryAfterMs } from '../../runtime/sending/retry-after.ts';
import { outgoingProxy } from '../../runtime/outgoing-proxy.ts';
import { meaningOf } from '../../runtime/sending/status.ts';
import { redactText } from '../../taxonomy/index.ts';
import type { Signal } from './spool.ts';
import { errorText } from '../../runtime/error-text.ts';

/** The outcome of a request. */
export type PostAnswer =
  /** Accepted, except for this many items, which the receiver refuses for good. */
  | { readonly kind: 'accepted'; readonly rejected: number; readonly message: string }
  /** OTLP does not say which of the items were rejected. */
  | Exclude<SendOutcome, { kind: 'accepted' | 'partial' }>;

/** Posts one serialized request; never throws. */
export type PostOtlp = (body: Uint8Array, signal: AbortSignal) => Promise<PostAnswer>;

/** Settings of monitor.yaml; the standard environment variables override them. */
export interface OtlpSettings {
  /** URL without `/v1/…`. @default http://127.0.0.1:4318 */
  readonly endpoint?: string | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

const DEFAULT_ENDPOINT = 'http://127.0.0.1:4318';
/** How many bytes of an answer are read. */
const ANSWER_BYTES = 64 * 1024;
const REASON_LENGTH = 300;
const compress = promisify(gzip);

const SIGNALS = {
  logs: { variable: 'LOGS', path: 'v1/logs', rejectedOf: rejectedLogs },
  metrics: { variable: 'METRICS', path: 'v1/metrics', rejectedOf: rejectedPoints },
} as const;

/**
 * Posts requests of a signal: endpoint, headers, certificates, compression and time-out come from OTEL_EXPORTER_OTLP_*.
 * Only the SDK's settings are used, not its transport, which gives up after its time-out and hides Retry-After.
 */
export function createPostOtlp(signal: Signal, settings: OtlpSettings, environment: NodeJS.ProcessEnv): PostOtlp {
  const { variable, path, rejectedOf } = SIGNALS[signal];
  const given = (name: string): boolean =>
    [environment[`OTEL_EXPORTER_OTLP_${name}`], environment[`OTEL_EXPORTER_OTLP_${variable}_${name}`]].some(Boolean);
  const proxyEnv = outgoingProxy(environment);
  const options = convertLegacyHttpOptions(
    {
      ...(proxyEnv !== undefined && { httpAgentOptions: { keepAlive: true, proxyEnv: { ...proxyEnv } } }),
      ...(!given('ENDPOINT') && { url: join(settings.endpoint ?? DEFAULT_ENDPOINT, path) }),
      ...(!given('HEADERS') && settings.headers !== undefined && { headers: { ...settings.headers } }),
    },
    variable,
    path,
    { 'Content-Type': 'application/x-protobuf' },
  );
  const { protocol } = new URL(options.url);
  const request = protocol === 'https:' ? httpsRequest : httpRequest;
  return async (body, stop) => {
    try {
      const zipped = options.compression === 'gzip' ? await compress(body) : undefined;
      const sent = request(options.url, {
        method: 'POST',
        agent: await options.agentFactory(protocol),
        headers: {
          ...(await options.headers()),
          ...(zipped && { 'Content-Encoding': 'gzip' }),
          'Content-Length': String((zipped ?? body).byteLength),
        },
        signal: AbortSignal.any([stop, AbortSignal.timeout(options.timeoutMillis)]),
      });
      sent.end(zipped ?? body);
      const [response] = (await once(sent, 'response')) as [IncomingMessage];
      const answer = await read(response);
      return answerOf(response, answer, rejectedOf);
    } catch (error) {
      return { kind: 'retry', reason: errorText(error) };
    }
  };
}

type RejectedOf = (answer: Uint8Array) => { readonly rejected: number; readonly message: string };

function answerOf(response: IncomingMessage, answer: Buffer, rejectedOf: RejectedOf): PostAnswer {
  const status = response.statusCode ?? 0;
  const kind = meaningOf(status);
  if (kind === 'accepted') return { kind, ...readRejected(answer, rejectedOf) };
  const reason = redactText(`HTTP ${status} ${printable(answer)}`.trim());
  if (kind !== 'retry') return { kind, reason };
  const afterMs = retryAfterMs(response.headers['retry-after'], Date.now());
  return { kind, reason, ...(afterMs !== undefined && { afterMs }) };
}

function readRejected(answer: Buffer, rejectedOf: RejectedOf): ReturnType<RejectedOf> {
  try {
    return rejectedOf(answer);
  } catch {
    // The request was accepted: an answer in another form than OTLP's is no reason to send it again.
    return { rejected: 0, message: '' };
  }
}

function rejectedLogs(answer: Uint8Array): ReturnType<RejectedOf> {
  const partial = ProtobufLogsSerializer.deserializeResponse(answer).partialSuccess;
  return { rejected: partial?.rejectedLogRecords ?? 0, message: partial?.errorMessage ?? '' };
}

function rejectedPoints(answer: Uint8Array): ReturnType<RejectedOf> {
  const partial = ProtobufMetricsSerializer.deserializeResponse(answer).partialSuccess;
  return { rejected: partial?.rejectedDataPoints ?? 0, message: partial?.errorMessage ?? '' };
}

async function read(response: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    if (size < ANSWER_BYTES) chunks.push(chunk);
    size += chunk.length;
  }
  return Buffer.concat(chunks).subarray(0, ANSWER_BYTES);
}

/** The readable text of a google.rpc.Status. */
function printable(answer: Buffer): string {
  return answer
    .toString('utf8')
    .replace(/[^\P{C}]|\uFFFD/gu, ' ')
    .replace(/\s+/g, ' ')
    .slice(0, REASON_LENGTH);
}

const join = (endpoint: string, path: string): string => `${endpoint.replace(/\/+$/, '')}/${path}`;
