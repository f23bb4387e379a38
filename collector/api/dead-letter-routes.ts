import { Hono } from 'hono';
import { z } from '@hono/zod-openapi';
import { errorText } from '../../runtime/error-text.ts';
import { CollectorError } from '../errors.ts';
import { createByteBudget } from '../otlp/byte-budget.ts';
import { ANSWERS } from './answer-schemas.ts';
import { answer, json, ref } from './answers.ts';
import { whole } from './query.ts';
import { JSON_ERRORS, readJsonWithin } from './request-body.ts';
import { defineRoute, serve, type Route } from './route.ts';

type Queue = z.input<typeof ANSWERS.DeadQueues>['queues'][number];
type Letter = z.input<typeof ANSWERS.DeadLetters>['letters'][number];
type Replayed = z.input<typeof ANSWERS.DeadReplayed>;

/** The dead-letter queues of sinks. Every method throws if RabbitMQ does not answer. */
export interface DeadLetters {
  /** The queues that exist. */
  queues(): Promise<readonly Queue[]>;
  /** The oldest first; undefined if the sink has no such queue. The letters stay in the queue. */
  list(sink: string, limit: number): Promise<readonly Letter[] | undefined>;
  /** Takes the oldest `limit` letters and sends those with these ids, or all, back to the sink. */
  replay(
    sink: string,
    which: { readonly ids?: readonly string[]; readonly limit: number },
  ): Promise<Replayed | undefined>;
}

/** Keeps a request from taking minutes. For more letters, repeat the request. */
const LIMIT_MAX = 1000;

/** Body of POST /api/v1/dead/replay: the sink and the ids; without ids, the oldest 1,000. */
export const deadReplayRequest = z.strictObject({
  sink: z.string().min(1).max(64),
  ids: z.array(z.string().min(1).max(256)).min(1).max(LIMIT_MAX).optional(),
});

const BUDGET_BYTES = 8 * 1024 * 1024;
const ERRORS = ['broker_unavailable'] as const;

const listQueues = defineRoute({
  method: 'get',
  path: '/api/v1/dead',
  scope: 'read',
  operationId: 'list_dead_queues',
  tags: ['dead letters'],
  summary: 'Which sinks have a queue of dead letters, and how many are in it',
  responses: { 200: answer('The queues that there are', json(ANSWERS.DeadQueues)) },
  errors: ERRORS,
});

const listLetters = defineRoute({
  method: 'get',
  path: '/api/v1/dead/{sink}',
  scope: 'read',
  operationId: 'list_dead_letters',
  tags: ['dead letters'],
  summary: 'Events that the service behind a sink will never take, and why',
  request: {
    params: z.object({ sink: z.string().describe('Such as `matomo`') }),
    query: z.object({ limit: whole(1, LIMIT_MAX).default(100) }),
  },
  responses: { 200: answer('The oldest first', json(ANSWERS.DeadLetters)) },
  errors: ERRORS,
});

const replayLetters = defineRoute({
  method: 'post',
  path: '/api/v1/dead/replay',
  scope: 'admin',
  operationId: 'replay_dead_letters',
  tags: ['dead letters'],
  summary: "Put dead letters back into the sink's queue",
  request: {
    body: {
      required: true,
      content: { 'application/json': { schema: ref('DeadReplay'), example: { sink: 'matomo' } } },
    },
  },
  responses: { 200: answer('What became of them', json(ANSWERS.DeadReplayed)) },
  errors: [...JSON_ERRORS, 'unsupported_media_type', 'invalid_request', ...ERRORS],
});

export const DEAD_LETTER_ROUTES: readonly Route[] = [listQueues, listLetters, replayLetters];

/** Lists the dead letters of sinks, and sends them back to their sink. */
export function deadLetterRoutes(dead: DeadLetters): Hono {
  const app = new Hono();
  const budget = createByteBudget(BUDGET_BYTES);
  serve(app, listQueues, async (c) => c.json({ queues: await asked(dead.queues()) }, 200));
  serve(app, listLetters, async (c, { limit }) => {
    const sink = c.req.param('sink') ?? '';
    const letters = (await asked(dead.list(sink, limit))) ?? noQueue(sink);
    return c.json({ letters }, 200);
  });
  serve(app, replayLetters, async (c) => {
    const request = deadReplayRequest.safeParse(await readJsonWithin(c, budget));
    if (!request.success)
      throw new CollectorError('invalid_request', 'The body must be {"sink": "NAME"}, optionally with "ids" of events');
    const { sink, ids } = request.data;
    const replayed = await asked(dead.replay(sink, { limit: LIMIT_MAX, ...(ids !== undefined && { ids }) }));
    return c.json(replayed ?? noQueue(sink), 200);
  });
  return app;
}

function noQueue(sink: string): never {
  throw new CollectorError(
    'not_found',
    `The sink ${sink} has no queue of dead letters: it has not run with this broker`,
  );
}

async function asked<Answer>(answering: Promise<Answer>): Promise<Answer> {
  try {
    return await answering;
  } catch (error) {
    throw new CollectorError('broker_unavailable', errorText(error));
  }
}
