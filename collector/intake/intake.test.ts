import { describe, expect, test, vi } from 'vitest';
import { TRACE, WAIT_MS, WINDOW_MS, world } from '../../test/support/intake-world.ts';
import type { FlatBody } from '../../taxonomy/flat-body.ts';
import { requestKeyOf } from '../../taxonomy/map/keys.ts';
import type { Candidate } from '../../taxonomy/map/candidate.ts';

const body = (event_id: string, fields: object = {}): FlatBody => ({
  event_id,
  event: 'file.uploaded',
  created: 1,
  ...fields,
});
const posted = (event_id: string, fields: object = {}): Candidate => ({
  body: body(event_id, fields),
  waits: false,
  strong: false,
});
const requestKey = requestKeyOf(TRACE, 'file.uploaded');
const marked = (event_id: string): Candidate => ({
  body: body(event_id, { trace_id: TRACE, source: 'sdk' }),
  waits: true,
  strong: false,
  requestKey,
});
const strong = (event_id: string): Candidate => ({
  body: body(event_id, { trace_id: TRACE, source: 'proxy', resource_id: 'f1' }),
  waits: false,
  strong: true,
  requestKey,
});

describe('a submission', () => {
  test('is one row of the journal, in its order, without events that were there already', async () => {
    const { intake, journal, ids } = world();
    expect(await intake.submit([posted('a'), posted('b'), posted('a')])).toEqual(['accepted', 'accepted', 'duplicate']);
    expect(await intake.submit([posted('c'), posted('b')])).toEqual(['accepted', 'duplicate']);
    expect(journal.rows).toHaveLength(2);
    expect(ids()).toEqual(['a', 'b', 'c']);
  });

  test('with nothing new writes nothing', async () => {
    const { intake, journal } = world();
    await intake.submit([posted('a')]);
    const write = vi.spyOn(journal, 'write');
    expect(await intake.submit([posted('a')])).toEqual(['duplicate']);
    expect(await intake.submit([])).toEqual([]);
    expect(write).not.toHaveBeenCalled();
  });

  test('is acknowledged once it is on disk', async () => {
    const { intake, journal } = world();
    journal.manual = true;
    const settled = vi.fn();
    const submitted = intake.submit([posted('a')]).then(settled);
    await new Promise(setImmediate);
    expect(settled).not.toHaveBeenCalled();
    journal.flush();
    await submitted;
    expect(settled).toHaveBeenCalledWith(['accepted']);
  });

  test('of an event that another submission is writing is acknowledged once that is on disk, and not if it fails', async () => {
    for (const failures of [0, 1]) {
      const { intake, journal } = world();
      journal.manual = true;
      journal.failures = failures;
      const outcomes = Promise.allSettled([intake.submit([posted('a')]), intake.submit([posted('a')])]);
      journal.flush();
      const statuses = (await outcomes).map(({ status }) => status);
      expect(statuses).toEqual(failures === 0 ? ['fulfilled', 'fulfilled'] : ['rejected', 'rejected']);
    }
  });

  test('that the journal refuses leaves nothing behind: sent again, it is new', async () => {
    const { intake, journal, ids } = world();
    journal.failures = 1;
    const batch = [posted('a'), marked('m')];
    await expect(intake.submit(batch, [{ code: 'c', message: 'm', record: {} }], 'api')).rejects.toMatchObject({
      code: 'journal_full',
    });
    expect([ids(), journal.heldLines, journal.rejectedRecords, intake.waitingCount]).toEqual([[], [], [], 0]);
    expect(await intake.submit(batch)).toEqual(['accepted', 'waiting']);
    expect(ids()).toEqual(['a']);
  });

  test('keeps what was rejected, bounded and without secrets', async () => {
    const { intake, journal, observer } = world();
    const record = { long: 'x'.repeat(100_000), number: 7n, text: 'token=s3cret' };
    const rejection = { code: 'invalid_event', message: 'y'.repeat(10_000), record };
    await intake.submit(
      [],
      [rejection, { ...rejection, record: Array.from({ length: 20 }, () => record.long) }],
      'otlp-logs',
    );
    expect(observer.rejected).toHaveBeenCalledWith('otlp-logs', 2);
    expect(journal.rejectedRecords).toHaveLength(2);
    for (const kept of journal.rejectedRecords) {
      expect(kept).toMatchObject({ code: 'invalid_event', origin: 'otlp-logs', atMs: 1_000_000 });
      expect(kept.message.length).toBe(4096);
      expect(kept.record.length).toBeLessThan(70_000);
      expect(kept.record).not.toContain('s3cret');
      expect(() => JSON.parse(kept.record) as unknown).not.toThrow();
    }
    expect(journal.rejectedRecords[0]?.record).toContain('"number":"7"');
  });

  test('is counted once it is kept, each candidate once', async () => {
    const { intake, journal, observer } = world();
    journal.failures = 1;
    await expect(intake.submit([posted('a')])).rejects.toThrow('full');
    expect(observer.accepted).not.toHaveBeenCalled();
    await intake.submit([posted('a'), posted('a'), marked('m')]);
    expect(observer.accepted).toHaveBeenCalledExactlyOnceWith(body('a'));
    expect([observer.duplicate, observer.waiting].map((one) => one.mock.calls.length)).toEqual([1, 1]);
  });
});

describe('a marked observation', () => {
  test("waits in the journal, and is dropped for its trace's strong one", async () => {
    const { intake, journal, ids } = world();
    expect(await intake.submit([marked('weak')])).toEqual(['waiting']);
    expect(journal.heldLines).toMatchObject([{ reason: 'waiting', dueMs: 1_000_000 + WAIT_MS }]);
    expect(await intake.submit([strong('own')])).toEqual(['accepted']);
    expect([ids(), journal.heldLines, intake.waitingCount]).toEqual([['own'], [], 0]);
    expect(await intake.submit([marked('weak')])).toEqual(['duplicate']);
  });

  test('is acknowledged only once the strong one that replaces it is on disk', async () => {
    const { intake, journal } = world();
    journal.manual = true;
    journal.failures = 1;
    const outcomes = Promise.allSettled([intake.submit([strong('own')]), intake.submit([marked('weak')])]);
    journal.flush();
    expect((await outcomes).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  });

  test('is recovered when its time is up: published, and marked as recovered', async () => {
    const { intake, journal, clock, observer, ids } = world();
    await intake.submit([marked('weak')]);
    clock.now += WAIT_MS - 1;
    expect(await intake.recoverDue()).toBe(0);
    clock.now += 1;
    expect(await intake.recoverDue()).toBe(1);
    expect(journal.lines.map((line) => JSON.parse(line) as unknown)).toEqual([
      { ...marked('weak').body, recovered: true },
    ]);
    expect([journal.heldLines, intake.waitingCount]).toEqual([[], 0]);
    expect(observer.recovered).toHaveBeenCalledExactlyOnceWith({ ...marked('weak').body, recovered: true });
    expect(await intake.submit([strong('own')])).toEqual(['duplicate']);
    expect(ids()).toEqual(['weak']);
  });

  test('is recovered later if the journal is full when its time is up', async () => {
    const { intake, journal, clock, ids } = world();
    await intake.submit([marked('weak')]);
    clock.now += WAIT_MS;
    journal.failures = 1;
    await expect(intake.recoverDue()).rejects.toMatchObject({ code: 'journal_full' });
    expect([ids(), intake.waitingCount]).toEqual([[], 1]);
    expect(await intake.recoverDue()).toBe(1);
    expect([ids(), journal.heldLines]).toEqual([['weak'], []]);
  });

  test('is dropped even if its row is not known yet when the strong one comes', async () => {
    const { intake, journal, ids } = world();
    journal.manual = true;
    const both = Promise.all([intake.submit([marked('weak')]), intake.submit([strong('own')])]);
    journal.flush();
    await both;
    journal.manual = false;
    await intake.recoverDue();
    expect([ids(), journal.heldLines, intake.waitingCount]).toEqual([['own'], [], 0]);
  });
});

test('of several strong ones of a trace, one that was written settles what waits', async () => {
  const { intake, journal, clock, ids } = world();
  await intake.submit([marked('weak')]);
  journal.manual = true;
  journal.failures = 1;
  const outcomes = Promise.allSettled([intake.submit([strong('own 1')]), intake.submit([strong('own 2')])]);
  journal.flush();
  expect((await outcomes).map(({ status }) => status)).toEqual(['rejected', 'fulfilled']);
  journal.manual = false;
  expect(await intake.submit([marked('another weak')])).toEqual(['duplicate']);
  clock.now += WAIT_MS;
  expect(await intake.recoverDue()).toBe(0);
  expect([ids(), journal.heldLines, intake.waitingCount]).toEqual([['own 2'], [], 0]);
});

test('a refuted observation is dropped even if it is just being written', async () => {
  const { intake, journal, clock, ids } = world();
  journal.manual = true;
  const both = Promise.all([intake.submit([marked('weak')]), intake.submit([], [], '', { refuted: ['weak'] })]);
  journal.flush();
  await both;
  journal.manual = false;
  clock.now += WAIT_MS;
  expect(await intake.recoverDue()).toBe(0);
  expect([ids(), journal.held('waiting'), intake.waitingCount]).toEqual([[], [], 0]);
});

describe('views of one page', () => {
  const view = (event_id: string, atS: number, withinMs?: number): Candidate => ({
    body: { event_id, event: 'view.resource', created: atS * 1000, client_id: 'c', resource_id: 'f' },
    waits: false,
    strong: false,
    collapse: { key: 'c|f', ...(withinMs === undefined ? { as: 'page' } : { as: 'call', withinMs }) },
  });
  /** A held view is published by then. */
  async function settle({ intake, clock }: Pick<ReturnType<typeof world>, 'intake' | 'clock'>): Promise<number> {
    clock.now += 5000;
    return intake.recoverDue();
  }

  test('are one, whichever comes first, and counted as duplicates once', async () => {
    for (const views of [
      [view('page', 0), view('call', 1, 30_000), view('call 2', 2, 30_000)],
      [view('call', 1, 30_000), view('page', 0), view('call 2', 2, 30_000)],
    ]) {
      const { intake, clock, observer, ids } = world();
      for (const one of views) await intake.submit([one]);
      await settle({ intake, clock });
      expect(ids()).toEqual([views[0]?.body.event_id]);
      expect(observer.duplicate).toHaveBeenCalledTimes(2);
    }
  });

  test('are counted again if the journal refused the first', async () => {
    const { intake, clock, journal, ids } = world();
    journal.failures = 1;
    await expect(intake.submit([view('call', 1, 30_000)])).rejects.toThrow('full');
    await intake.submit([view('call 2', 2, 30_000)]);
    await settle({ intake, clock });
    expect(ids()).toEqual(['call 2']);
  });

  test('are one even if they had to be recovered', async () => {
    const { intake, clock, journal, ids } = world();
    const calls = [view('call', 1, 30_000), view('call 2', 2, 30_000)];
    for (const one of calls) await intake.submit([{ ...one, waits: true }]);
    clock.now += WAIT_MS;
    expect(await intake.recoverDue()).toBe(0);
    expect(await settle({ intake, clock })).toBe(1);
    expect([ids(), journal.heldLines]).toEqual([['call'], []]);
  });

  test('are one even over a restart', async () => {
    const { intake, open, ids } = world();
    await intake.submit([view('page', 0)]);
    expect(await open().submit([view('call', 1, 30_000)])).toEqual(['duplicate']);
    expect(ids()).toEqual(['page']);
  });
});

describe('an id that a producer states', () => {
  const JOB = '66f00000000000000000000a';
  const done: Candidate = {
    body: { event_id: 'real', event: 'extraction.done', created: 1, job_id: JOB },
    waits: false,
    strong: false,
  };
  const text = `["extraction.done","${JOB}","any"]`;

  test.each([
    `job:${text}`,
    `\u0001job:${text}`,
    `strong:${TRACE}|file.uploaded`,
    `\u0001strong:${TRACE}|file.uploaded`,
    'id:real',
    '\u0001id:real',
  ])('%j is never mistaken for a key of ours, even over a restart', async (id) => {
    const { intake, open, ids } = world();
    expect(await intake.submit([posted(id)])).toEqual(['accepted']);
    for (const collector of [intake, open()]) {
      expect(await collector.submit([posted(id)])).toEqual(['duplicate']);
    }
    expect(await open().submit([done])).toEqual(['accepted']);
    expect(ids()).toEqual([id, 'real']);
  });
});

describe('after a restart', () => {
  test('ids within the window are known, and older ones are not', async () => {
    const { intake, open, clock } = world();
    await intake.submit([posted('old')]);
    clock.now += WINDOW_MS / 2;
    await intake.submit([posted('young'), posted('"odd\\ id')]);
    clock.now += WINDOW_MS / 2 + 1;
    expect(await open().submit([posted('old'), posted('young'), posted('"odd\\ id')])).toEqual([
      'accepted',
      'duplicate',
      'duplicate',
    ]);
  });

  test('waiting observations start to wait again, as the strong one could not come while the collector was away', async () => {
    const { intake, open, clock, ids } = world();
    await intake.submit([marked('weak')]);
    clock.now += 10 * WAIT_MS;
    const again = open();
    clock.now += WAIT_MS - 1;
    expect([again.waitingCount, await again.recoverDue()]).toEqual([1, 0]);
    clock.now += 1;
    expect(await again.recoverDue()).toBe(1);
    expect(ids()).toEqual(['weak']);
  });

  test("waiting observations are dropped for a strong one that comes late by the collector's absence", async () => {
    const { intake, open, clock, ids } = world();
    await intake.submit([marked('weak')]);
    clock.now += 10 * WAIT_MS;
    const again = open();
    await again.recoverDue();
    expect(await again.submit([strong('own')])).toEqual(['accepted']);
    clock.now += WAIT_MS;
    expect(await again.recoverDue()).toBe(0);
    expect(ids()).toEqual(['own']);
  });

  test('waiting observations are dropped for a journaled strong one, and leave the journal', async () => {
    const { intake, journal, open, clock, ids } = world();
    await intake.submit([strong('own')]);
    await journal.write({
      hold: [{ line: JSON.stringify(marked('weak').body), dueMs: 0, reason: 'waiting', attempts: 0 }],
    });
    const again = open();
    expect(again.waitingCount).toBe(0);
    clock.now += WAIT_MS;
    expect(await again.recoverDue()).toBe(0);
    expect([ids(), journal.heldLines]).toEqual([['own'], []]);
  });

  test('the strong one of a recovered observation is a duplicate', async () => {
    const { intake, open, clock, ids } = world();
    await intake.submit([marked('weak')]);
    clock.now += WAIT_MS;
    await intake.recoverDue();
    expect(await open().submit([strong('own'), marked('weak')])).toEqual(['duplicate', 'duplicate']);
    expect(ids()).toEqual(['weak']);
  });
});
