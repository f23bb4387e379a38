import { describe, expect, test, vi } from 'vitest';
import { MemoryJournal } from '../../test/support/memory-journal.ts';
import { createMapContext } from '../../taxonomy/map/context.ts';
import { Intake } from './intake.ts';
import { SeenIds } from './seen-ids.ts';
import { acceptStated, idsOf } from './stated-intake.ts';

const NOW = Date.UTC(2026, 10, 24);
const context = createMapContext({ now: () => NOW });
const observer = { accepted: vi.fn(), duplicate: vi.fn(), waiting: vi.fn(), recovered: vi.fn(), rejected: vi.fn() };

function world() {
  const journal = new MemoryJournal(() => NOW);
  const intake = new Intake({ journal, seen: new SeenIds(), waitMs: 1, windowMs: 1000, now: () => NOW, observer });
  return { journal, intake };
}

describe('posted events', () => {
  const stated = (intake: Intake, values: readonly unknown[], onRefused = vi.fn()) =>
    acceptStated(
      values.map((value) => ({ value })),
      { source: 'api' },
      context,
      intake,
      onRefused,
    );

  test('get a verdict each, in order; the bad ones are counted and not kept', async () => {
    const { intake, journal } = world();
    const onRefused = vi.fn();
    const verdicts = await stated(
      intake,
      [
        { event: 'file.uploaded', file_id: 'f', event_id: 'a' },
        { event: 'file.exploded' },
        { event: 'file.uploaded', file_id: 'f', event_id: 'a' },
        7,
        { event: 'file.deleted', file_id: 'f' },
      ],
      onRefused,
    );
    expect(verdicts).toMatchObject([
      { ok: true, id: 'a', duplicate: false },
      { ok: false, issues: [{ field: 'event', received: '"file.exploded"' }] },
      { ok: true, id: 'a', duplicate: true },
      { ok: false, issues: [{ message: 'must be an object', received: '7' }] },
      { ok: true, id: expect.stringMatching(/^[0-9a-f-]{36}$/) as string, duplicate: false },
    ]);
    expect(onRefused).toHaveBeenCalledExactlyOnceWith('api', 2);
    expect(journal.rejectedRecords).toEqual([]);
    expect(journal.lines).toHaveLength(2);
  });

  test('none of which is right are written nowhere', async () => {
    const { intake, journal } = world();
    expect(await stated(intake, [{}])).toMatchObject([{ ok: false }]);
    expect(journal.rows).toEqual([]);
  });
});

test('ids under an Idempotency-Key are the same each time, and others for each event, key and scope', () => {
  const ids = idsOf('scope', 'key', 3);
  expect(new Set([...ids, ...idsOf('scope', 'another', 3), ...idsOf('another', 'key', 3)]).size).toBe(9);
  expect(idsOf('scope', 'key', 2)).toEqual(ids.slice(0, 2));
});
