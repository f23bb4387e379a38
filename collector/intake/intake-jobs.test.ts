import { describe, expect, test } from 'vitest';
import { TRACE, WAIT_MS, WINDOW_MS, world } from '../../test/support/intake-world.ts';
import type { FlatBody } from '../../taxonomy/flat-body.ts';
import { requestKeyOf } from '../../taxonomy/map/keys.ts';
import type { Candidate } from '../../taxonomy/map/candidate.ts';

const JOB = '66f00000000000000000000a';
const OTHER_JOB = '66f00000000000000000000b';

const body = (event_id: string, stage: string, fields: object): FlatBody => ({
  event_id,
  event: `extraction.${stage}` as FlatBody['event'],
  created: 1,
  job_id: JOB,
  ...fields,
});
const told = (event_id: string, stage = 'queued', fields: object = {}): Candidate => ({
  body: body(event_id, stage, fields),
  waits: false,
  strong: false,
});
const submission = { trace_id: TRACE, resource_id: 'f' };
const requestKey = requestKeyOf(TRACE, 'extraction.queued');
/** From the proxy, which saw the answer to the submission. */
const captured: Candidate = {
  body: body('by proxy', 'queued', { ...submission, source: 'proxy' }),
  waits: false,
  strong: true,
  requestKey,
};
/** From the same request, by an observer that cannot see which job it made: only the answer names it. */
const unseen = (event_id: string, waits: boolean): Candidate => ({
  body: body(event_id, 'queued', { ...submission, job_id: undefined, source: 'sdk' }),
  waits,
  strong: false,
});

const withoutResource: Candidate = {
  body: body('unknown file', 'queued', { trace_id: TRACE, job_id: undefined, source: 'nginx' }),
  waits: true,
  strong: false,
  requestKey,
};

describe('an event of a job', () => {
  test.each(['queued', 'done', 'failed'])('is one event, from any reporter: %s', async (stage) => {
    const { intake, observer, ids } = world();
    expect(await intake.submit([told('a', stage)])).toEqual(['accepted']);
    expect(await intake.submit([told('b', stage), told('a', stage)])).toEqual(['duplicate', 'duplicate']);
    expect(ids()).toEqual(['a']);
    expect(observer.duplicate).toHaveBeenCalledTimes(2);
  });

  test('is one event within a batch too', async () => {
    const { intake, ids } = world();
    expect(await intake.submit([told('a'), told('b')])).toEqual(['accepted', 'duplicate']);
    expect(ids()).toEqual(['a']);
  });

  test('is another one if its type or job differs, or if it reports progress', async () => {
    const { intake, ids } = world();
    await intake.submit([told('queued'), told('failed', 'failed'), told('done', 'done')]);
    await intake.submit([told('other', 'queued', { job_id: OTHER_JOB }), told('w1', 'working'), told('w2', 'working')]);
    expect(ids()).toEqual(['queued', 'failed', 'done', 'other', 'w1', 'w2']);
  });

  test("is identified by its id if the job has the reporter's own id", async () => {
    const { intake, ids } = world();
    await intake.submit([told('a', 'done', { job_id: '1' }), told('b', 'done', { job_id: '1' })]);
    expect(ids()).toEqual(['a', 'b']);
  });

  test('is identified by its id if it names no job', async () => {
    const { intake, ids } = world();
    await intake.submit([told('a', 'done', { job_id: undefined }), told('b', 'done', { job_id: undefined })]);
    expect(ids()).toEqual(['a', 'b']);
  });

  test.each([
    ['the same', 'main', 'main', 1],
    ['another', 'main', 'other', 2],
    ['none, then one', undefined, 'main', 1],
    ['one, then none', 'main', undefined, 1],
  ])('belongs to its Clowder instance: %s', async (_, first, second, count) => {
    const { intake, open, ids } = world();
    await intake.submit([told('a', 'done', { clowder_instance: first })]);
    await intake.submit([told('b', 'done', { clowder_instance: second })]);
    await open().submit([told('b', 'done', { clowder_instance: second })]);
    expect(ids()).toHaveLength(count);
  });

  test('is known over a restart, for the window', async () => {
    const { intake, open, clock } = world();
    await intake.submit([told('a', 'done')]);
    clock.now += WINDOW_MS;
    expect(await open().submit([told('b', 'done')])).toEqual(['duplicate']);
    clock.now += 1;
    expect(await open().submit([told('c', 'done')])).toEqual(['accepted']);
  });

  test('waits for the same event being written: dropped if that is written, accepted if that is refused', async () => {
    for (const failures of [0, 1]) {
      const { intake, journal, ids } = world();
      journal.manual = true;
      journal.failures = failures;
      const outcomes = Promise.allSettled([intake.submit([told('a')]), intake.submit([told('b')])]);
      expect(journal.pending).toBe(1);
      journal.flush();
      await new Promise(setImmediate);
      journal.flush();
      expect((await outcomes).map((one) => (one.status === 'fulfilled' ? one.value : 'refused'))).toEqual(
        failures === 0 ? [['accepted'], ['duplicate']] : ['refused', ['accepted']],
      );
      expect(ids()).toEqual([failures === 0 ? 'a' : 'b']);
    }
  });
});

describe('the capture of a submission that was reported before', () => {
  test.each([
    ['that waited', true],
    ['that comes later', false],
  ])('still takes the place of weak observations, even over a restart: one %s', async (_, waited) => {
    const { intake, journal, clock, open, ids } = world();
    if (waited) await intake.submit([unseen('by proxy', true), withoutResource]);
    await intake.submit([told('by broker')]);
    expect(await intake.submit([captured])).toEqual(['duplicate']);
    expect(journal.held('waiting')).toEqual([]);
    const again = open();
    const late = [unseen('by proxy', true), withoutResource, captured];
    expect(await again.submit(late)).toEqual(['duplicate', 'duplicate', 'duplicate']);
    clock.now += WAIT_MS;
    expect(await again.recoverDue()).toBe(0);
    expect([ids(), journal.held('waiting')]).toEqual([['by broker'], []]);
  });

  test('names the job of an observation that was published without it', async () => {
    const { intake, open, ids } = world();
    await intake.submit([unseen('by proxy', false)]);
    expect(await intake.submit([captured])).toEqual(['duplicate']);
    expect(await intake.submit([told('by broker')])).toEqual(['duplicate']);
    expect(await open().submit([told('by broker')])).toEqual(['duplicate']);
    expect(ids()).toEqual(['by proxy']);
  });
});

describe('an event of a job, sent to one of several collectors', () => {
  test('has the same id on each of them, from any reporter', async () => {
    const [a, b] = [world({}, true), world({}, true)];
    const byProxy = { ...captured, body: { ...captured.body, clowder_instance: undefined } };
    expect(await a.intake.submit([byProxy])).toEqual(['accepted']);
    expect(await b.intake.submit([told('by extractor')])).toEqual(['accepted']);
    expect(a.ids()).toEqual([expect.stringMatching(/^[0-9a-f]{32}$/)]);
    expect(b.ids()).toEqual(a.ids());
    expect(a.observer.accepted).toHaveBeenCalledWith(expect.objectContaining({ event_id: a.ids()[0] }));
    expect(b.intake.idOf(told('never seen'))).toBe('never seen');
  });

  test.each([false, true])(
    'is known by the id that it came with and by its job (after a restart: %s)',
    async (again) => {
      const { intake, open, ids } = world({}, true);
      await intake.submit([told('a')]);
      const now = again ? open() : intake;
      expect(await now.submit([told('a'), told('b')])).toEqual(['duplicate', 'duplicate']);
      expect(await now.submit([told('a', 'queued', { job_id: undefined })])).toEqual(['duplicate']);
      expect(ids()).toHaveLength(1);
    },
  );

  test('has another id for another job, type or instance, and its own id if there may be several', async () => {
    const { intake, ids } = world({}, true);
    await intake.submit([
      told('a'),
      told('b', 'done'),
      told('c', 'queued', { job_id: OTHER_JOB }),
      told('d', 'done', { job_id: OTHER_JOB, clowder_instance: 'main' }),
      told('e', 'working'),
      told('f', 'done', { job_id: '1' }),
    ]);
    expect(new Set(ids()).size).toBe(6);
    expect(ids().slice(-2)).toEqual(['e', 'f']);
  });
});
