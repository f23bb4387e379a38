import { z } from '@hono/zod-openapi';
import { Hono } from 'hono';
import type { Registry } from 'prom-client';
import type { Readiness } from '../readiness.ts';
import { ANSWERS } from './answer-schemas.ts';
import { answer, json } from './answers.ts';
import { defineRoute, serve, type Route } from './route.ts';

export interface StateDependencies {
  readonly readiness: () => Readiness;
  readonly registry: Pick<Registry, 'metrics' | 'contentType'>;
}

const getHealth = defineRoute({
  method: 'get',
  path: '/healthz',
  scope: 'public',
  operationId: 'get_health',
  tags: ['state'],
  summary: 'Whether the process answers',
  responses: { 200: answer('It does', json(ANSWERS.Health)) },
});

const getReadiness = defineRoute({
  method: 'get',
  path: '/readyz',
  scope: 'public',
  operationId: 'get_readiness',
  tags: ['state'],
  summary: 'Journal, broker and backlog, with reasons',
  responses: {
    200: answer('Ready, or degraded: events are taken and wait', json(ANSWERS.Readiness)),
    503: answer('Unavailable: events cannot be taken', json(ANSWERS.Readiness)),
  },
});

const getMetrics = defineRoute({
  method: 'get',
  path: '/metrics',
  scope: 'public',
  operationId: 'get_metrics',
  tags: ['state'],
  summary: 'Metrics for Prometheus',
  responses: { 200: answer("Prometheus' text format", { 'text/plain': { schema: z.string() } }) },
});

export const STATE_ROUTES: readonly Route[] = [getHealth, getReadiness, getMetrics];

/** The state of the collector: GET /healthz, /readyz and /metrics. */
export function stateRoutes({ readiness, registry }: StateDependencies): Hono {
  const app = new Hono();
  serve(app, getHealth, (c) => c.json({ status: 'ok' }, 200));
  serve(app, getReadiness, (c) => {
    const state = readiness();
    return c.json(state, state.status === 'unavailable' ? 503 : 200);
  });
  serve(app, getMetrics, async (c) => c.text(await registry.metrics(), 200, { 'content-type': registry.contentType }));
  return app;
}
