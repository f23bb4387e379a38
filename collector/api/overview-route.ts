import { z } from '@hono/zod-openapi';
import { Hono } from 'hono';
import { HELD_REASONS, type HeldEvent, type Journal } from '../journal/journal.ts';
import type { Overview } from '../overview/overview.ts';
import { EVENT_TYPES } from '../../taxonomy/event-types.ts';
import { ANSWERS } from './answer-schemas.ts';
import { answer, json } from './answers.ts';
import { whole } from './query.ts';
import { defineRoute, serve, type Route } from './route.ts';

const getOverview = defineRoute({
  method: 'get',
  path: '/api/v1/overview',
  scope: 'read',
  operationId: 'get_overview',
  tags: ['overview'],
  summary: 'Readiness, backlog, silence of each source, latest readings of the monitor, and other programs',
  responses: { 200: answer('What is going on', json(ANSWERS.Overview)) },
});

const listHeld = defineRoute({
  method: 'get',
  path: '/api/v1/held',
  scope: 'read',
  operationId: 'list_held',
  tags: ['held'],
  summary: 'Events that no queue took',
  request: {
    query: z.object({
      reason: z.enum(HELD_REASONS).default('unroutable'),
      limit: whole(1, 1000).default(100),
      after: whole(0).default(0).describe('Events with a greater id'),
    }),
  },
  responses: { 200: answer('Events, in the order in which they were held', json(ANSWERS.HeldEvents)) },
});

export const OVERVIEW_ROUTES: readonly Route[] = [getOverview, listHeld];

export interface OverviewDependencies {
  readonly overview: () => Overview;
  readonly journal: Pick<Journal, 'heldEvents'>;
}

/** The state that the dashboard shows: GET /api/v1/overview and /api/v1/held. */
export function overviewRoutes({ overview, journal }: OverviewDependencies): Hono {
  const app = new Hono();
  serve(app, getOverview, (c) => c.json(overview() satisfies z.input<typeof ANSWERS.Overview>, 200));
  serve(app, listHeld, (c, { reason, limit, after }) =>
    c.json({ held: journal.heldEvents({ reason, types: EVENT_TYPES, limit, afterId: after }).map(toAnswer) }, 200),
  );
  return app;
}

const toAnswer = ({ id, type, sinceMs, line }: HeldEvent) => ({ id, type, since_ms: sinceMs, event: line });
