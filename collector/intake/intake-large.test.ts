import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { longestTurnOf } from '../../test/support/cpu-time.ts';
import { WAIT_MS, world } from '../../test/support/intake-world.ts';
import { waitFor } from '../../test/support/wait-for.ts';
import { toFlatBody, type FlatBody } from '../../taxonomy/flat-body.ts';
import type { Candidate } from '../../taxonomy/map/candidate.ts';

afterEach(() => vi.restoreAllMocks());

const MANY = 20_000;
/** Limit for a turn in CPU time: three times the goal, as the code may not be compiled yet. */
const LONG_MS = 75;

const idOf = (number: number): string => number.toString(16).padStart(32, '0');
const deleted = (number: number): FlatBody =>
  toFlatBody({
    event_id: idOf(number),
    event: 'file.deleted',
    created: 1,
    file_id: `f${number}`,
    url: 'x'.repeat(500),
  });
const stated = (number: number): Candidate => ({ body: deleted(number), waits: false, strong: false });
const marked = (number: number): Candidate => ({
  ...stated(number),
  waits: true,
  requestKey: `${number}|file.deleted`,
});
const captured = (number: number): Candidate => ({ ...marked(number), waits: false, strong: true });
const viewed = (number: number): Candidate => {
  const key = `c|r${number}`;
  const body = toFlatBody({
    event_id: idOf(number),
    event: 'view.resource',
    created: 1_000_000,
    client_id: 'c',
    resource_type: 'file',
    resource_id: `r${number}`,
  });
  return { body, waits: false, strong: false, collapse: { key, as: 'page', awaitsCall: true } };
};
const numbered = <T>(make: (number: number) => T, count = MANY, from = 0): T[] =>
  Array.from({ length: count }, (_, index) => make(from + index));

describe('a batch of 20,000 events', () => {
  test.each([
    ['that are new', stated],
    ['that wait for a capture', marked],
    ['that a capture reports', captured],
    ['that are held until they are complete', viewed],
  ])('%s lets others have their turns', async (_what, make) => {
    const { intake } = world();
    const candidates = numbered(make);
    expect(await longestTurnOf(() => intake.submit(candidates))).toBeLessThan(LONG_MS);
    expect(await longestTurnOf(() => intake.submit(candidates))).toBeLessThan(LONG_MS);
  });

  test('that waited in vain lets others have their turns', async () => {
    const { intake, clock, journal } = world();
    await intake.submit(numbered(marked));
    clock.now += WAIT_MS;
    let recovered = 0;
    expect(await longestTurnOf(async () => (recovered = await intake.recoverDue()))).toBeLessThan(LONG_MS);
    expect(recovered).toBe(MANY);
    expect(journal.held('waiting')).toEqual([]);
  });

  test('is one write, and later events are decided after it', async () => {
    const { intake, journal, ids } = world();
    const write = vi.spyOn(journal, 'write');
    const large = intake.submit(numbered(stated));
    const small = intake.submit([stated(MANY - 1), stated(MANY)]);
    expect(await small).toEqual(['duplicate', 'accepted']);
    expect(await large).toEqual(Array.from({ length: MANY }, () => 'accepted'));
    expect(write).toHaveBeenCalledTimes(2);
    expect(ids()).toEqual(numbered(idOf, MANY + 1));
  });

  test('that the journal refuses leaves nothing behind, and a submission that relied on it is refused too', async () => {
    const { intake, journal, ids } = world();
    journal.manual = true;
    const both = Promise.allSettled([intake.submit(numbered(stated)), intake.submit([stated(7)])]);
    await waitFor(() => journal.pending === 1, { what: 'the large batch to be decided' });
    await nextTurn();
    journal.failures = 1;
    journal.flush();
    const refused = { status: 'rejected', reason: { code: 'journal_full' } };
    expect(await both).toMatchObject([refused, refused]);
    expect(ids()).toEqual([]);
    journal.manual = false;
    expect(await intake.submit(numbered(stated))).not.toContain('duplicate');
  });
});

describe('memory', () => {
  test('does not grow with waiting events: those over the bound are published at once, and stay one event each', async () => {
    const { intake, clock, ids } = world();
    const verdicts = await intake.submit(numbered(marked, MANY + 500));
    expect(verdicts.slice(0, MANY).every((verdict) => verdict === 'waiting')).toBe(true);
    expect(verdicts.slice(MANY).every((verdict) => verdict === 'accepted')).toBe(true);
    expect(intake.waitingCount).toBe(MANY);
    await intake.submit(numbered(captured, MANY + 500));
    expect(intake.waitingCount).toBe(0);
    clock.now += WAIT_MS;
    await intake.recoverDue();
    expect(new Set(ids()).size).toBe(MANY + 500);
    expect(ids()).toHaveLength(MANY + 500);
  });

  test('does not grow with held events: the oldest are published', async () => {
    const { intake, clock, ids } = world();
    for (let from = 0; from < 2 * MANY; from += MANY) await intake.submit(numbered(viewed, MANY, from));
    expect(intake.waitingCount).toBe(10_000);
    expect(ids()).toEqual(numbered(idOf, 2 * MANY - 10_000));
    clock.now += WAIT_MS;
    await intake.recoverDue();
    expect(ids()).toEqual(numbered(idOf, 2 * MANY));
  });
});

describe('a journal that takes long to read at the start', () => {
  /** Each reading of the clock is a second later. */
  function slowClock(): void {
    let now = 0;
    vi.spyOn(performance, 'now').mockImplementation(() => (now += 1000));
  }

  test('delays only the events that depend on it', async () => {
    const { intake, open } = world();
    for (const number of [1, 2, 3]) await intake.submit([stated(number)]);
    slowClock();
    const next = open();
    expect(next.isRestoring).toBe(true);
    expect(await Promise.all([next.submit([stated(1), stated(4)]), next.submit([stated(3), stated(4)])])).toEqual([
      ['duplicate', 'accepted'],
      ['duplicate', 'duplicate'],
    ]);
    expect(next.isRestoring).toBe(false);
  });

  test('makes the intake refuse everything until a restart if it cannot be read to its end', async () => {
    const { intake, open, journal } = world();
    for (const number of [1, 2, 3]) await intake.submit([stated(number)]);
    const rows = [...journal.scan({})];
    vi.spyOn(journal, 'scan').mockImplementation(function* () {
      yield* rows.slice(0, 2);
      throw new Error('journal.db is damaged');
    });
    slowClock();
    const next = open();
    await expect(next.submit([stated(4)])).rejects.toMatchObject({
      code: 'journal_unavailable',
      message: expect.stringContaining('journal.db is damaged') as string,
    });
    await expect(next.submit([stated(5)])).rejects.toMatchObject({ code: 'journal_unavailable' });
  });
});
