import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { toFlatBody } from '../../taxonomy/flat-body.ts';
import type { Candidate } from '../../taxonomy/map/candidate.ts';
import { openJournal, type Journal } from '../journal/journal.ts';
import { JournalStore } from '../journal/store.ts';
import { KEY_RULE } from './intake-keys.ts';
import { Intake } from './intake.ts';
import { SeenIds } from './seen-ids.ts';

const NOW = 1_790_000_000_000;
const observer = {
  accepted: () => undefined,
  duplicate: () => undefined,
  waiting: () => undefined,
  recovered: () => undefined,
  rejected: () => undefined,
};

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'clowder-otel-restart-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const bodyOf = (id: string, event: 'file.deleted' | 'view.resource' = 'file.deleted', created = NOW) =>
  toFlatBody({ event_id: id, event, created, client_id: 'c', resource_type: 'file', resource_id: 'r', file_id: id });

const candidateOf = (id: string): Candidate => ({ body: bodyOf(id), waits: false, strong: false });

/** Journals each in a row of its own, as an earlier process did, and sums them up in segments of this many keys. */
function journaled(rows: readonly (readonly [body: object, atMs: number])[], keys: number): void {
  const segmentSize = { keys, spanMs: 1000 };
  const bounds = { maxBytes: 1e9, retentionMs: 1e15, rejectedMax: 10 };
  const store = new JournalStore({ dir, ...bounds, keyRule: KEY_RULE, segmentSize });
  for (const [body, atMs] of rows) store.write([{ append: JSON.stringify(body) }], atMs);
  while (store.index());
  store.close();
}

/** A journal with this many events, as an earlier process left it. */
const leaveBehind = (count: number): void =>
  journaled(
    Array.from({ length: count }, (_, number) => [bodyOf(`id-${number}`), NOW - count + number] as const),
    50,
  );

async function started(now = NOW): Promise<{ intake: Intake; journal: Journal; rowsRead: number }> {
  const journal = await openJournal({ dir, maxBytes: 1e9 });
  let rowsRead = 0;
  const counting: Journal = {
    ...journal,
    *scan(options) {
      for (const row of journal.scan(options)) {
        rowsRead += 1;
        yield row;
      }
    },
  };
  const intake = new Intake({
    journal: counting,
    seen: new SeenIds(),
    waitMs: 1000,
    windowMs: 3_600_000,
    now: () => now,
    observer,
  });
  return { intake, journal, rowsRead };
}

test.each([100, 1000])('a start reads at most one segment of rows, with %i events in the journal', async (count) => {
  leaveBehind(count + 7);
  const { intake, journal, rowsRead } = await started();
  const known = Array.from({ length: count + 7 }, (_, number) => candidateOf(`id-${number}`));
  expect(await intake.submit([...known, candidateOf('new')])).toEqual([...known.map(() => 'duplicate'), 'accepted']);
  await journal.close();
  expect(rowsRead).toBeLessThan(50);
});

test('a view from just before a restart is one with those that follow, wherever it is in the journal', async () => {
  leaveBehind(120);
  journaled([[bodyOf('view', 'view.resource'), NOW]], 1);
  const { intake, journal } = await started(NOW + 1000);
  const call: Candidate = {
    body: bodyOf('call', 'view.resource', NOW + 500),
    waits: false,
    strong: false,
    collapse: { key: 'c|r', as: 'call', withinMs: 30_000 },
  };
  expect(await intake.submit([call])).toEqual(['duplicate']);
  await journal.close();
});
