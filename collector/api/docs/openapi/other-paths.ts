import { z, type RouteConfig } from '@hono/zod-openapi';
import { OPEN, SECURITY, answer, json, otlpErrors, problems, ref } from './answers.ts';

export const REJECTED_PATHS: readonly RouteConfig[] = [
  {
    method: 'get',
    path: '/api/v1/rejected',
    operationId: 'list_rejected',
    tags: ['rejected'],
    summary: 'Telemetry that stated an event wrongly',
    security: SECURITY,
    request: {
      query: z.object({
        limit: z.int().min(1).max(1000).default(100),
        after: z.int().optional().describe('Records with a greater id'),
      }),
    },
    responses: { 200: answer('Records and reasons', json('RejectedRecords')), ...problems(401, 403, 429) },
  },
  {
    method: 'post',
    path: '/api/v1/rejected/replay',
    operationId: 'replay_rejected',
    tags: ['rejected'],
    summary: 'Check rejected records again, and journal those that are right now',
    security: SECURITY,
    request: { body: { required: true, content: { 'application/json': { schema: ref('Replay'), example: {} } } } },
    responses: { 200: answer('What became of them', json('Replayed')), ...problems(400, 401, 403, 429, 503) },
  },
];

export const OTLP_PATHS: readonly RouteConfig[] = (
  [
    ['traces', 'resourceSpans'],
    ['logs', 'resourceLogs'],
    ['metrics', 'resourceMetrics'],
  ] as const
).map(([signal, field]) => ({
  method: 'post',
  path: `/v1/${signal}`,
  operationId: `export_${signal}`,
  tags: ['OpenTelemetry'],
  summary: `OTLP/HTTP: ${signal}`,
  security: SECURITY,
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
    ...otlpErrors(),
  },
}));

export const STATE_PATHS: readonly RouteConfig[] = [
  {
    method: 'get',
    path: '/healthz',
    operationId: 'get_health',
    tags: ['state'],
    summary: 'Whether the process answers',
    security: OPEN,
    responses: { 200: answer('It does', json('Health')) },
  },
  {
    method: 'get',
    path: '/readyz',
    operationId: 'get_readiness',
    tags: ['state'],
    summary: 'Journal, broker and backlog, with reasons',
    security: OPEN,
    responses: {
      200: answer('Ready, or degraded: events are taken and wait', json('Readiness')),
      503: answer('Unavailable: events cannot be taken', json('Readiness')),
    },
  },
  {
    method: 'get',
    path: '/metrics',
    operationId: 'get_metrics',
    tags: ['state'],
    summary: 'Metrics for Prometheus',
    security: OPEN,
    responses: { 200: answer("Prometheus' text format", { 'text/plain': { schema: { type: 'string' } } }) },
  },
];
