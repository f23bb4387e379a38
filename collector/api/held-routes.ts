import { Hono } from 'hono';
import type { HeldEvents } from '../publishing/held-events.ts';
import { ANSWERS } from './answer-schemas.ts';
import { answer, json } from './answers.ts';
import { defineRoute, serve, type Route } from './route.ts';

const retryHeld = defineRoute({
  method: 'post',
  path: '/api/v1/held/retry',
  scope: 'admin',
  operationId: 'retry_held',
  tags: ['held'],
  summary: 'Publish again, now, the events that no queue took',
  responses: {
    200: answer('What became of them; all of them stay held while there is no broker', json(ANSWERS.Retried)),
  },
});

export const HELD_ROUTES: readonly Route[] = [retryHeld];

/** POST /api/v1/held/retry: tries the events that no queue took again now, regardless of their pauses. */
export function heldRoutes(held: Pick<HeldEvents, 'retryNow'>): Hono {
  const app = new Hono();
  serve(app, retryHeld, async (c) => c.json(await held.retryNow(), 200));
  return app;
}
