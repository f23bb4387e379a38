import { Hono } from 'hono';
import { ANSWERS } from '../api/answer-schemas.ts';
import { answer } from '../api/answers.ts';
import { defineRoute, serve, type Route } from '../api/route.ts';
import { CollectorError } from '../errors.ts';
import { readBody } from './body.ts';
import { encodingOf } from './error.ts';
import type { OtlpReceiver } from './receiver.ts';
import { CONTENT_TYPES, exportResponse, SIGNALS, type Signal } from './responses.ts';

/** The route of one signal. @param field the field of the request that holds the signal */
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
      200: answer('Accepted; records that can never be accepted are named', {
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
export function otlpRoutes(receive: OtlpReceiver): Hono {
  const app = new Hono();
  for (const signal of SIGNALS) {
    serve(app, RECEIVERS[signal], async function receiveSignal(c) {
      const encoding = encodingOf(c);
      if (encoding === undefined)
        throw new CollectorError(
          'unsupported_media_type',
          `Content-Type was ${c.req.header('content-type') ?? 'absent'}: send application/x-protobuf or application/json`,
        );
      const { rejected, message } = await receive(signal, encoding, (limits) => readBody(c, limits));
      return c.body(exportResponse(encoding, signal, rejected, message), 200, {
        'content-type': CONTENT_TYPES[encoding],
      });
    });
  }
  return app;
}
