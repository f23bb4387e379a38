import { setImmediate as immediate } from 'node:timers/promises';
import { Hono } from 'hono';
import type { TelemetryBatch } from '../intake/telemetry-intake.ts';
import { answer, ref } from '../api/answers.ts';
import { defineRoute, serve, type Route } from '../api/route.ts';
import { CollectorError } from '../errors.ts';
import { createByteBudget, readBody } from './body.ts';
import { encodingOf } from './error.ts';
import { decodeLogsJson, decodeMetricsJson, decodeTracesJson } from './json.ts';
import { decodeLogs, decodeMetrics, decodeTraces } from './protobuf.ts';
import { CONTENT_TYPES, exportResponse, type Encoding, type Signal } from './responses.ts';
import type { Screen } from './screen.ts';

export interface OtlpDependencies {
  readonly maxBodyBytes: number;
  readonly maxInflightBytes: number;
  readonly screen: Screen;
  /** Journals the events of a batch; rejects with a CollectorError where the journal cannot take them. */
  readonly accept: (batch: TelemetryBatch) => Promise<{ rejected: number; message?: string }>;
}

const DECODERS = {
  traces: { json: decodeTracesJson, protobuf: decodeTraces },
  logs: { json: decodeLogsJson, protobuf: decodeLogs },
  metrics: { json: decodeMetricsJson, protobuf: decodeMetrics },
} as const;

/** A body from which on its decoding waits for a turn of its own. */
const LARGE_BYTES = 64 * 1024;

const SIGNALS: readonly Signal[] = ['traces', 'logs', 'metrics'];

/** A receiver: one signal, which comes in one field of the request. */
const receiver = (signal: Signal, field: string): Route =>
  defineRoute({
    method: 'post',
    path: `/v1/${signal}`,
    scope: 'ingest',
    operationId: `export_${signal}`,
    tags: ['OpenTelemetry'],
    summary: `OTLP/HTTP: ${signal}`,
    request: {
      body: {
        required: true,
        content: {
          'application/x-protobuf': {},
          'application/json': {
            schema: { type: 'object', properties: { [field]: { type: 'array', items: { type: 'object' } } } },
            example: { [field]: [] },
          },
        },
      },
    },
    responses: {
      200: answer('Taken; records that never can be are named', {
        'application/x-protobuf': {},
        'application/json': { schema: ref('ExportResponse') },
      }),
    },
    errorForm: 'otlp',
    errors: [
      'malformed_protobuf',
      'invalid_json',
      'invalid_body',
      'body_too_large',
      'unsupported_encoding',
      'unsupported_media_type',
      'busy',
      'journal_full',
      'journal_unavailable',
      'key_on_hold',
    ],
  });

const RECEIVERS: Readonly<Record<Signal, Route>> = {
  traces: receiver('traces', 'resourceSpans'),
  logs: receiver('logs', 'resourceLogs'),
  metrics: receiver('metrics', 'resourceMetrics'),
};

export const OTLP_ROUTES: readonly Route[] = SIGNALS.map((signal) => RECEIVERS[signal]);

/** OTLP/HTTP receiver: POST /v1/traces, /v1/logs, /v1/metrics (opentelemetry-proto specification, "OTLP/HTTP"). */
export function otlpRoutes(deps: OtlpDependencies): Hono {
  const app = new Hono();
  const budget = createByteBudget(deps.maxInflightBytes);
  const turn = createTurns();
  for (const signal of SIGNALS) {
    serve(app, RECEIVERS[signal], async function receive(c) {
      const encoding = encodingOf(c);
      if (encoding === undefined)
        throw new CollectorError(
          'unsupported_media_type',
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
      } finally {
        lease.end();
      }
    });
  }
  return app;
}

function decode(signal: Signal, encoding: Encoding, body: Uint8Array, screen: Screen): TelemetryBatch {
  if (signal === 'traces') return { signal, ...DECODERS.traces[encoding](body, screen) };
  if (signal === 'logs') return { signal, ...DECODERS.logs[encoding](body, screen) };
  return { signal, ...DECODERS.metrics[encoding](body, screen) };
}

/** Each call gets a turn of the event loop to itself, in order: large batches do not keep others waiting for all of them. */
function createTurns(): () => Promise<void> {
  let last = Promise.resolve();
  return () => {
    last = last.then(() => immediate());
    return last;
  };
}
