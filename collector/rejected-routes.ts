import { Hono } from 'hono';
import { z } from 'zod';
import { describe, type MapContext } from '../taxonomy/describe.ts';
import type { Candidate } from '../taxonomy/map.ts';
import type { Intake } from './intake.ts';
import type { Journal } from './journal/journal.ts';

/** Body of POST /api/v1/rejected/replay: which records; all where none is named. */
export const replayRequest = z.object({ ids: z.array(z.int().positive()).max(10_000).optional() });

/** The rejected store: GET /api/v1/rejected lists it, POST /api/v1/rejected/replay checks records again. */
export function rejectedRoutes(deps: { journal: Journal; intake: Intake; context: MapContext }): Hono {
  const app = new Hono();
  app.get('/api/v1/rejected', (c) => {
    const limit = Math.min(1000, Math.max(1, Number(c.req.query('limit') ?? 100) || 100));
    const afterId = Number(c.req.query('after') ?? 0) || 0;
    return c.json({ rejected: deps.journal.rejected({ limit, afterId }) });
  });
  app.post('/api/v1/rejected/replay', async (c) => {
    const request = replayRequest.safeParse(await c.req.json().catch(() => undefined));
    if (!request.success)
      return c.json(
        {
          title: 'invalid request',
          status: 400,
          code: 'invalid_request',
          detail: 'The body must be {} or {"ids": [1, 2]}',
        },
        400,
      );
    const wanted = request.data.ids === undefined ? undefined : new Set(request.data.ids);
    const records = deps.journal.rejected({ limit: 10_000 }).filter((record) => wanted?.has(record.id) ?? true);
    const candidates: Candidate[] = [];
    const settled: number[] = [];
    for (const record of records) {
      const described = describe(draftOf(record.record), deps.context);
      if (!described.ok) continue;
      candidates.push({ body: described.body, waits: false, strong: false });
      settled.push(record.id);
    }
    await deps.intake.submit(candidates);
    if (settled.length > 0) await deps.journal.write({ unreject: settled });
    return c.json({ accepted: settled.length, rejected: records.length - settled.length });
  });
  return app;
}

function draftOf(record: string): Record<string, unknown> {
  const parsed: unknown = JSON.parse(record);
  return typeof parsed === 'object' && parsed !== null ? { ...parsed } : {};
}
