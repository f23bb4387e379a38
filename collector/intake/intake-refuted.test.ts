import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { MemoryJournal } from '../../test/support/memory-journal.ts';
import type { FlatBody } from '../../taxonomy/flat-body.ts';
import { requestKeyOf } from '../../taxonomy/map/keys.ts';
import type { Candidate } from '../../taxonomy/map/candidate.ts';
import { Intake } from './intake.ts';
import { openJournal, type Journal } from '../journal/journal.ts';
import { SeenIds } from './seen-ids.ts';

const ID = 'c'.repeat(32);
const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const WAIT_MS = 60_000;
const WINDOW_MS = 3_600_000;
const body: FlatBody = { event_id: ID, event: 'file.deleted', created: 1, file_id: 'f', resource_id: 'f' };
const weak: Candidate = { body, waits: false, strong: false };
const marked: Candidate = { body, waits: true, strong: false };
/** For an upload, only the capture knows the file. */
const upload: Candidate = {
  body: { event_id: ID, event: 'file.uploaded', created: 1, trace_id: TRACE },
  waits: true,
  strong: false,
  requestKey: requestKeyOf(TRACE, 'file.uploaded'),
};
const noop = (): void => undefined;

const intakeOf = (journal: Journal, now: () => number): Intake =>
  new Intake({
    journal,
    seen: new SeenIds({ windowMs: WINDOW_MS }),
    waitMs: WAIT_MS,
    windowMs: WINDOW_MS,
    now,
    observer: { accepted: noop, duplicate: noop, waiting: noop, recovered: noop, rejected: noop },
  });

function world() {
  const clock = { now: 1_000_000 };
  const journal = new MemoryJournal(() => clock.now);
  const open = (): Intake => intakeOf(journal, () => clock.now);
  return { clock, journal, open, intake: open() };
}

const refute = (intake: Intake) => intake.submit([], [], 'otlp-logs', { refuted: [ID] });

describe('an event that the capture refuted', () => {
  it('does not arise from an observation that waited for the capture, which leaves the journal in the same write', async () => {
    const { intake, journal, clock } = world();
    expect(await intake.submit([marked])).toEqual(['waiting']);
    await refute(intake);
    expect(journal.held('waiting')).toEqual([]);
    clock.now += WAIT_MS;
    expect(await intake.recoverDue()).toBe(0);
    expect(journal.lines).toEqual([]);
  });

  it('does not arise from a later observation, marked or not', async () => {
    const { intake, journal } = world();
    await refute(intake);
    expect(await intake.submit([weak])).toEqual(['duplicate']);
    expect(await intake.submit([marked])).toEqual(['duplicate']);
    expect([journal.lines, journal.held('waiting')]).toEqual([[], []]);
  });

  it('does arise if the capture later reports it as done: the same delete, refused and then done, in one trace', async () => {
    const { intake, journal, open } = world();
    const done: Candidate = { body: { ...body, source: 'proxy' }, waits: false, strong: true };
    await refute(intake);
    await intake.submit([done, marked, weak]);
    await open().submit([done, marked, weak]);
    await refute(intake);
    expect([journal.lines.length, journal.held('waiting')]).toEqual([1, []]);
  });

  it('does not arise from an observation in the same batch', async () => {
    const { intake, journal } = world();
    expect(await intake.submit([marked, weak], [], 'otlp-logs', { refuted: [ID] })).toEqual(['duplicate', 'duplicate']);
    expect([journal.lines, journal.held('waiting')]).toEqual([[], []]);
  });

  it('stays an event if it was published before', async () => {
    const { intake, journal } = world();
    expect(await intake.submit([weak])).toEqual(['accepted']);
    await refute(intake);
    expect([journal.lines.length, journal.heldLines]).toEqual([1, []]);
  });

  it('goes on waiting if the journal could not record the refutation', async () => {
    const { intake, journal, clock } = world();
    await intake.submit([marked]);
    journal.failures = 1;
    await expect(refute(intake)).rejects.toMatchObject({ code: 'journal_full' });
    clock.now += WAIT_MS;
    expect(await intake.recoverDue()).toBe(1);
  });

  it('is acknowledged as refuted once that is on disk, even to a sender that repeats it before', async () => {
    const { intake, journal } = world();
    journal.manual = true;
    journal.failures = 1;
    const outcomes = Promise.allSettled([refute(intake), refute(intake), intake.submit([weak])]);
    journal.flush();
    expect((await outcomes).map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
    journal.manual = false;
    expect(await intake.submit([weak])).toEqual(['accepted']);
  });

  it('is remembered for the window and then forgotten', async () => {
    const { intake, journal, clock } = world();
    await refute(intake);
    expect(journal.heldLines).toMatchObject([{ line: ID, reason: 'remembered', dueMs: clock.now + WINDOW_MS }]);
    clock.now += WINDOW_MS - 1;
    expect([await intake.recoverDue(), journal.heldLines.length]).toEqual([0, 1]);
    clock.now += 1;
    expect([await intake.recoverDue(), journal.heldLines]).toEqual([0, []]);
  });
});

describe('over a restart', () => {
  it.each([
    ['marked', marked],
    ['unmarked', weak],
    ['marked, of an upload', upload],
  ])('no later observation makes a refuted event: %s', async (_, observed) => {
    const { intake, journal, clock, open } = world();
    await refute(intake);
    clock.now += WINDOW_MS - WAIT_MS;
    const again = open();
    expect(await again.submit([observed])).toEqual(['duplicate']);
    clock.now += WAIT_MS;
    expect(await again.recoverDue()).toBe(0);
    expect([journal.lines, again.waitingCount]).toEqual([[], 0]);
  });

  it.each([
    ['was written in full', true],
    ['was lost', false],
  ])('a refutation that got no answer is sent again, whether it %s', async (_, committed) => {
    const { intake, journal, clock, open } = world();
    await intake.submit([upload]);
    journal.manual = true;
    refute(intake).catch(noop);
    journal.crash(committed);
    journal.manual = false;
    const again = open();
    expect(again.waitingCount).toBe(committed ? 0 : 1);
    await refute(again);
    clock.now += WAIT_MS;
    expect(await again.recoverDue()).toBe(0);
    expect([journal.lines, journal.held('waiting'), journal.held('remembered').length]).toEqual([[], [], 1]);
  });

  it('an observation that was refuted before its row was known still leaves the journal', async () => {
    const { intake, journal, open } = world();
    journal.manual = true;
    const both = Promise.all([intake.submit([marked]), refute(intake)]);
    journal.flush();
    await both;
    journal.manual = false;
    expect(journal.held('waiting')).toHaveLength(1);
    const again = open();
    expect(again.waitingCount).toBe(0);
    await again.recoverDue();
    expect(journal.held('waiting')).toEqual([]);
  });

  it('the journal on disk keeps a refutation, for observations before and after', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'clowder-otel-refuted-'));
    let now = Date.now();
    const open = () => openJournal({ dir, maxBytes: 1_000_000 });
    try {
      const first = await open();
      const before = intakeOf(first, () => now);
      expect(await before.submit([upload])).toEqual(['waiting']);
      await refute(before);
      await first.close();

      const second = await open();
      const after = intakeOf(second, () => now);
      expect(await after.submit([marked, weak])).toEqual(['duplicate', 'duplicate']);
      now += WAIT_MS;
      expect(await after.recoverDue()).toBe(0);
      expect([second.read(0, 1000), second.held('waiting')]).toEqual([[], []]);
      now += WINDOW_MS;
      await after.recoverDue();
      expect(second.held('remembered')).toEqual([]);
      await second.close();
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  });
});
