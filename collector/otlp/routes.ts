import { setImmediate as immediate } from 'node:timers/promises';
import { Hono, type Context } from 'hono';
import type { TelemetryBatch } from '../intake/telemetry-intake.ts';
import { BodyError, createByteBudget, readBody } from './body.ts';
import { decodeLogsJson, decodeMetricsJson, decodeTracesJson } from './json.ts';
import { decodeLogs, decodeMetrics, decodeTraces } from './protobuf.ts';
import { CONTENT_TYPES, exportResponse, statusBody, type Encoding, type Signal } from './responses.ts';
import type { Screen } from './screen.ts';
import { OtlpDecodeError } from './wire.ts';

export interface OtlpDependencies {
  readonly maxBodyBytes: number;
  readonly maxInflightBytes: number;
  readonly screen: Screen;
  /** Journals the events of a batch; an error with `status` is answered with that. */
  readonly accept: (batch: TelemetryBatch) => Promise<{ rejected: number; message?: string }>;
  readonly onError: (error: unknown) => void;
}

const DECODERS = {
  traces: { json: decodeTracesJson, protobuf: decodeTraces },
  logs: { json: decodeLogsJson, protobuf: decodeLogs },
  metrics: { json: decodeMetricsJson, protobuf: decodeMetrics },
} as const;

/** A body from which on its decoding waits for a turn of its own. */
const LARGE_BYTES = 64 * 1024;

const SIGNALS: readonly Signal[] = ['traces', 'logs', 'metrics'];

/** OTLP/HTTP receiver: POST /v1/traces, /v1/logs, /v1/metrics (opentelemetry-proto specification, "OTLP/HTTP"). */
export function otlpRoutes(deps: OtlpDependencies): Hono {
  const app = new Hono();
  const budget = createByteBudget(deps.maxInflightBytes);
  const turn = createTurns();
  for (const signal of SIGNALS) {
    app.post(`/v1/${signal}`, async function receive(c) {
      const encoding = encodingOf(c);
      if (encoding === undefined)
        return otlpError(
          c,
          415,
          `Content-Type was ${c.req.header('content-type') ?? 'absent'}: send application/x-protobuf or application/json`,
        );
      const lease = budget.lease();
      try {
        const body = await readBody(c, deps.maxBodyBytes, lease);
        if (body.byteLength > LARGE_BYTES) await turn();
        const { rejected, message } = await deps.accept(decode(signal, encoding, body, deps.screen));
        return c.body(exportResponse(encoding, signal, rejected, message), 200, {
          'content-type': CONTENT_TYPES[encoding],
        });
      } catch (error) {
        return answerError(c, error, deps);
      } finally {
        lease.end();
      }
    });
    app.all(`/v1/${signal}`, (c) => {
      c.header('allow', 'POST');
      return otlpError(c, 405, `${c.req.method} is not allowed: POST telemetry to /v1/${signal}`);
    });
  }
  app.all('/v1/*', (c) =>
    otlpError(
      c,
      404,
      `There is nothing at ${c.req.path.slice(0, 200)}: OTLP goes to /v1/traces, /v1/logs and /v1/metrics`,
    ),
  );
  return app;
}

function decode(signal: Signal, encoding: Encoding, body: Uint8Array, screen: Screen): TelemetryBatch {
  if (signal === 'traces') return { signal, ...DECODERS.traces[encoding](body, screen) };
  if (signal === 'logs') return { signal, ...DECODERS.logs[encoding](body, screen) };
  return { signal, ...DECODERS.metrics[encoding](body, screen) };
}

function answerError(c: Context, error: unknown, deps: OtlpDependencies): Response {
  if (error instanceof OtlpDecodeError) return otlpError(c, 400, error.message);
  if (error instanceof BodyError) return otlpError(c, error.status, error.message, error.retryAfterS);
  if (error instanceof Error && 'status' in error && error.status === 503) {
    return otlpError(c, 503, error.message, 'retryAfterS' in error ? Number(error.retryAfterS) : 1);
  }
  deps.onError(error);
  return otlpError(c, 500, 'The collector failed on this request; its log says why');
}

/** An error in OTLP's form: google.rpc.Status in the encoding of the request, JSON where that is unknown. */
export function otlpError(
  c: Context,
  status: 400 | 401 | 403 | 404 | 405 | 413 | 415 | 429 | 500 | 503,
  message: string,
  retryAfterS?: number,
): Response {
  const encoding = encodingOf(c) ?? 'json';
  if (retryAfterS !== undefined) c.header('retry-after', String(Math.max(1, Math.min(5, Math.ceil(retryAfterS)))));
  return c.body(statusBody(encoding, status, message), status, { 'content-type': CONTENT_TYPES[encoding] });
}

function encodingOf(c: Context): Encoding | undefined {
  const type = c.req.header('content-type')?.split(';', 1)[0]?.trim().toLowerCase();
  if (type === CONTENT_TYPES.json) return 'json';
  return type === CONTENT_TYPES.protobuf || type === 'application/protobuf' ? 'protobuf' : undefined;
}

/** Each call gets a turn of the event loop to itself, in order: large batches do not keep others waiting for all of them. */
function createTurns(): () => Promise<void> {
  let last = Promise.resolve();
  return () => {
    last = last.then(() => immediate());
    return last;
  };
}
