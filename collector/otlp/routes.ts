import { setImmediate as immediate } from 'node:timers/promises';
import { Hono } from 'hono';
import type { TelemetryBatch } from '../intake/telemetry-batch.ts';
import { ANSWERS } from '../api/answer-schemas.ts';
import { answer } from '../api/answers.ts';
import { defineRoute, serve, type Route } from '../api/route.ts';
import { CollectorError } from '../errors.ts';
import { readBody } from './body.ts';
import { createByteBudget, type ByteLease } from './byte-budget.ts';
import type { Decoding } from './decoding.ts';
import { encodingOf } from './error.ts';
import { decodeLogsJson, decodeMetricsJson, decodeTracesJson } from './json.ts';
import { decodeLogs, decodeMetrics, decodeTraces } from './protobuf.ts';
import { CONTENT_TYPES, exportResponse, type Encoding, type Signal } from './responses.ts';
import type { Screen } from './screen.ts';

export interface OtlpDependencies {
  readonly maxBodyBytes: number;
  readonly maxInflightBytes: number;
  readonly screen: Screen;
  /** Begins a batch: it takes the records of one request, and holds what they amount to. */
  readonly open: (signal: Signal, lease: ByteLease) => TelemetryBatch;
}

type Decode = (body: Uint8Array, screen: Screen, batch: TelemetryBatch) => Decoding;

const DECODERS: Readonly<Record<Signal, Readonly<Record<Encoding, Decode>>>> = {
  traces: {
    json: (body, screen, { spans }) => decodeTracesJson(body, screen, spans),
    protobuf: (body, screen, { spans }) => decodeTraces(body, screen, spans),
  },
  logs: {
    json: (body, screen, { logs }) => decodeLogsJson(body, screen, logs),
    protobuf: (body, screen, { logs }) => decodeLogs(body, screen, logs),
  },
  metrics: {
    json: (body, screen, { points }) => decodeMetricsJson(body, screen, points),
    protobuf: (body, screen, { points }) => decodeMetrics(body, screen, points),
  },
};

/** A body from which on its decoding waits for a turn of its own. */
const LARGE_BYTES = 64 * 1024;

const SIGNALS: readonly Signal[] = ['traces', 'logs', 'metrics'];

/** A receiver: one signal, which comes in one field of the request. */
const receiver = (signal: Signal, field: string) =>
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
        'application/json': { schema: ANSWERS.ExportResponse },
      }),
    },
    errorForm: 'otlp',
    errors: [
      'malformed_protobuf',
      'invalid_json',
      'invalid_body',
      'body_too_large',
      'body_too_slow',
      'batch_too_large',
      'unsupported_encoding',
      'unsupported_media_type',
      'busy',
      'journal_full',
      'journal_unavailable',
      'key_on_hold',
    ],
  });

const RECEIVERS = {
  traces: receiver('traces', 'resourceSpans'),
  logs: receiver('logs', 'resourceLogs'),
  metrics: receiver('metrics', 'resourceMetrics'),
} satisfies Readonly<Record<Signal, Route>>;

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
        const body = await readBody(c, { maxBytes: deps.maxBodyBytes, setting: 'MAX_BODY_BYTES', lease });
        if (body.byteLength > LARGE_BYTES) await turn();
        const batch = deps.open(signal, lease);
        const decoding = DECODERS[signal][encoding](body, deps.screen, batch);
        let step = decoding.next();
        for (; step.done !== true; step = decoding.next()) await turn();
        const { rejected, message } = await batch.submit(step.value);
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

/** Each call gets a turn of the event loop to itself, in order: large batches do not keep others waiting for all of them. */
function createTurns(): () => Promise<void> {
  let last = Promise.resolve();
  return () => {
    last = last.then(() => immediate());
    return last;
  };
}
