import { Hono } from 'hono';
import { z } from 'zod';
import { checkDraft, missingStated, type Draft } from '../../taxonomy/check-draft.ts';
import type { MapContext } from '../../taxonomy/map/context.ts';
import { isEventType } from '../../taxonomy/event-types.ts';
import type { Candidate } from '../../taxonomy/map/candidate.ts';
import { CollectorError } from '../errors.ts';
import { ANSWERS } from './answer-schemas.ts';
import { answer, json, ref } from './answers.ts';
import { whole } from './query.ts';
import { JSON_ERRORS, readJsonWithin } from './request-body.ts';
import { defineRoute, serve, type Route } from './route.ts';
import type { Intake } from '../intake/intake.ts';
import { UNPUBLISHABLE, type Journal } from '../journal/journal.ts';
import { createByteBudget } from '../otlp/byte-budget.ts';

export interface RejectedDependencies {
  readonly journal: Pick<Journal, 'rejected' | 'write'>;
  readonly intake: Pick<Intake, 'submit'>;
  readonly context: MapContext;
}

/** Body of POST /api/v1/rejected/replay: which records; without ids, all of them. */
export const replayRequest = z.strictObject({ ids: z.array(z.int().positive()).max(10_000).optional() });

/** Body of POST /api/v1/rejected/discard: which records; ids are required. */
export const discardRequest = z.strictObject({ ids: z.array(z.int().positive()).min(1).max(10_000) });

const BUDGET_BYTES = 8 * 1024 * 1024;

const listRejected = defineRoute({
  method: 'get',
  path: '/api/v1/rejected',
  scope: 'read',
  operationId: 'list_rejected',
  tags: ['rejected'],
  summary: 'Telemetry that stated an event wrongly',
  request: {
    query: z.object({
      limit: whole(1, 1000).default(100),
      after: whole(0).default(0).describe('Records with a greater id'),
    }),
  },
  responses: { 200: answer('Records and reasons', json(ANSWERS.RejectedRecords)) },
});

const replayRejected = defineRoute({
  method: 'post',
  path: '/api/v1/rejected/replay',
  scope: 'admin',
  operationId: 'replay_rejected',
  tags: ['rejected'],
  summary: 'Check rejected records again, and journal those that are valid now',
  request: { body: { required: true, content: { 'application/json': { schema: ref('Replay'), example: {} } } } },
  responses: { 200: answer('What became of them', json(ANSWERS.Replayed)) },
  errors: [...JSON_ERRORS, 'unsupported_media_type', 'invalid_request', 'journal_full', 'journal_unavailable'],
});

const discardRejected = defineRoute({
  method: 'post',
  path: '/api/v1/rejected/discard',
  scope: 'admin',
  operationId: 'discard_rejected',
  tags: ['rejected'],
  summary: 'Delete rejected records for good',
  request: {
    body: { required: true, content: { 'application/json': { schema: ref('Discard'), example: { ids: [1, 2] } } } },
  },
  responses: { 200: answer('How many there were', json(ANSWERS.Discarded)) },
  errors: [...JSON_ERRORS, 'unsupported_media_type', 'invalid_request', 'journal_unavailable'],
});

export const REJECTED_ROUTES: readonly Route[] = [listRejected, replayRejected, discardRejected];

/** Lists rejected records, checks them again, and deletes them. */
export function rejectedRoutes({ journal, intake, context }: RejectedDependencies): Hono {
  const app = new Hono();
  const budget = createByteBudget(BUDGET_BYTES);
  serve(app, listRejected, (c, { limit, after }) =>
    c.json({ rejected: journal.rejected({ limit, afterId: after }) }, 200),
  );
  serve(app, replayRejected, async (c) => {
    const request = replayRequest.safeParse(await readJsonWithin(c, budget));
    if (!request.success) throw new CollectorError('invalid_request', 'The body must be {} or {"ids": [1, 2]}');
    return c.json(await replay(request.data.ids), 200);
  });

  serve(app, discardRejected, async (c) => {
    const request = discardRequest.safeParse(await readJsonWithin(c, budget));
    if (!request.success) throw new CollectorError('invalid_request', 'The body must be {"ids": [1, 2]}');
    const wanted = new Set(request.data.ids);
    const there = [...wanted].filter((id) => journal.rejected({ limit: 1, afterId: id - 1 })[0]?.id === id);
    if (there.length > 0) await journal.write({ unreject: there });
    return c.json({ discarded: there.length }, 200);
  });

  async function replay(ids: readonly number[] | undefined): Promise<{ accepted: number; rejected: number }> {
    const wanted = ids === undefined ? undefined : new Set(ids);
    const records = journal.rejected({ limit: 10_000 }).filter((record) => wanted?.has(record.id) ?? true);
    const candidates: Candidate[] = [];
    const settled: number[] = [];
    /** Events that were accepted before; intake would treat them as duplicates. */
    const again: string[] = [];
    for (const record of records) {
      const draft = draftOf(record.record);
      const checked = checkDraft(draft, context);
      if (!checked.ok || lacks(draft)) continue;
      settled.push(record.id);
      if (record.code === UNPUBLISHABLE) again.push(JSON.stringify(checked.body));
      else
        candidates.push({
          body: checked.body,
          waits: false,
          strong: false,
          ...(record.sender && { producer: record.sender }),
        });
    }
    await intake.submit(candidates);
    if (settled.length > 0) await journal.write({ ...(again.length > 0 && { append: again }), unreject: settled });
    return { accepted: settled.length, rejected: records.length - settled.length };
  }
  return app;
}

/**
 * Whether a stated event lacks fields that it must state, by the rule that rejected it. An instrumented server observes
 * requests and need not state them; `auth_method` marks its records.
 */
function lacks(draft: Draft): boolean {
  const type = draft['event'];
  const isStated = draft['source'] === 'sdk' && draft['auth_method'] === undefined;
  return isStated && isEventType(type) && missingStated(type, draft).length > 0;
}

/** Empty if the record is not JSON, such as that of an event that could not become a message. */
function draftOf(record: string): Draft {
  try {
    const parsed: unknown = JSON.parse(record);
    return typeof parsed === 'object' && parsed !== null ? { ...parsed } : {};
  } catch {
    return {};
  }
}
