import { describe, expect, it } from 'vitest';
import { advance, type Job, type JobEvent } from './job.ts';
import type { Observation, Submitted, Told } from './observation.ts';

const T0 = Date.UTC(2026, 0, 20);

function submitted(change: Partial<Submitted> = {}): Submitted {
  return {
    what: 'submitted',
    atMs: T0,
    jobId: 'j',
    extractor: 'ncsa.x',
    version: undefined,
    userId: undefined,
    userName: undefined,
    subject: { fileId: 'f', datasetId: 'd' },
    resourceName: 'a.txt',
    again: false,
    ...change,
  };
}

function told(word: Told['word'], afterMs: number, change: Partial<Told> = {}): Told {
  return {
    what: 'told',
    atMs: T0 + afterMs,
    jobId: 'j',
    extractor: 'ncsa.x',
    version: undefined,
    userId: undefined,
    resourceId: 'f',
    subject: undefined,
    word,
    message: word,
    clock: `t${afterMs}`,
    clockMs: undefined,
    durationMs: undefined,
    ...change,
  };
}

function run(
  observations: readonly Observation[],
  before?: Job,
): { readonly job: Job | undefined; readonly events: readonly JobEvent[] } {
  let job = before;
  const events: JobEvent[] = [];
  for (const seen of observations) {
    const step = advance(job, seen);
    job = step.job;
    if (step.event !== undefined) events.push(step.event);
  }
  return { job, events };
}

const typesOf = (events: readonly JobEvent[]): readonly string[] =>
  events.map(({ type }) => type.replace('extraction.', ''));

describe('a job', () => {
  it('is queued, worked on and done, with a duration from the first sign of work', () => {
    const { events } = run([submitted(), told('start', 500), told('processing', 900), told('done', 2500)]);
    expect(typesOf(events)).toEqual(['queued', 'working', 'working', 'done']);
    expect(events.at(-1)?.fields).toEqual({
      job_id: 'j',
      file_id: 'f',
      dataset_id: 'd',
      resource_id: undefined,
      resource_name: 'a.txt',
      extractor_name: 'ncsa.x',
      extractor_version: undefined,
      user_id: undefined,
      user_name: undefined,
      status: 'done',
      message: 'done',
      duration_ms: 2000,
    });
  });

  it('has no duration if its beginning was not seen, as waiting in a queue does not count', () => {
    expect(run([submitted(), told('done', 700)]).events.at(-1)?.fields.duration_ms).toBeUndefined();
    expect(run([told('done', 700)]).events.at(-1)?.fields.duration_ms).toBeUndefined();
  });

  it.each<[string, number, number, number | undefined]>([
    ['all at once, after 30 s of work', 8, 30_000, 30_000],
    ['a second late', 3000, 2000, 2000],
    ['all at once, within a second', 8, 0, undefined],
    ['all at once, with a new second in between', 8, 1000, undefined],
    ['a second apart, within a second', 1003, 0, undefined],
    ['by a clock that was set back', 5000, -3_600_000, 5000],
  ])(
    "whose messages came %s has the duration of its extractor's clock, if seconds are precise enough",
    (_how, cameMs, clockMs, durationMs) => {
      const clock = (ms: number) => ({ clockMs: T0 + 7_200_000 + ms });
      const { events } = run([submitted(), told('start', 100, clock(0)), told('done', 100 + cameMs, clock(clockMs))]);
      expect(events.at(-1)?.fields.duration_ms).toBe(durationMs);
    },
  );

  it('uses arrival times if its beginning or its end has no time of its own', () => {
    const clock = { clockMs: T0 };
    for (const [start, end] of [
      [clock, {}],
      [{}, clock],
    ])
      expect(run([told('start', 0, start), told('done', 1500, end)]).events.at(-1)?.fields.duration_ms).toBe(1500);
  });

  it('that was resubmitted is measured from its first start', () => {
    const seen = [
      submitted(),
      told('start', 100),
      told('retry', 200),
      submitted({ again: true, atMs: T0 + 300 }),
      told('start', 400),
      told('done', 1100),
    ];
    const { events } = run(seen);
    expect(typesOf(events)).toEqual(['queued', 'working', 'working', 'working', 'done']);
    expect(events.at(-1)?.fields.duration_ms).toBe(1000);
  });

  it('is done once it is skipped, and only once', () => {
    const { events } = run([submitted(), told('start', 1), told('skip', 2), told('done', 3)]);
    expect(typesOf(events)).toEqual(['queued', 'working', 'done']);
    expect(events.at(-1)?.fields.status).toBe('skip');
  });

  it('that failed may run again from its error queue: it is measured again, and fails and is done only once', () => {
    const { events } = run([
      submitted(), told('start', 0), told('error', 500),
      told('start', 10_000), told('error', 10_500),
      told('start', 20_000), told('done', 20_250), told('done', 20_300),
    ]); // prettier-ignore
    expect(typesOf(events)).toEqual(['queued', 'working', 'failed', 'working', 'working', 'done']);
    expect(events.at(-1)?.fields.duration_ms).toBe(250);
  });

  it('that was cancelled has failed; a request to cancel is no sign of work', () => {
    const { events, job } = run([told('submitted', 0), told('cancel requested', 100), told('cancelled', 300)]);
    expect(typesOf(events)).toEqual(['queued', 'working', 'failed']);
    expect(job?.startedMs).toBeUndefined();
    expect(events.at(-1)?.fields).toMatchObject({ status: 'cancelled', duration_ms: undefined });
  });

  it('whose own message was not seen names its resource without a type', () => {
    const { fields } = run([told('start', 0)]).events[0] ?? {};
    expect([fields?.resource_id, fields?.file_id, fields?.dataset_id]).toEqual(['f', undefined, undefined]);
  });

  it('on a dataset has no file', () => {
    const { events } = run([submitted({ subject: { datasetId: 'd' } }), told('start', 0, { resourceId: 'd' })]);
    for (const { fields } of events) expect([fields.file_id, fields.dataset_id]).toEqual([undefined, 'd']);
  });

  it('keeps the user from its messages', () => {
    const { events } = run([told('start', 0, { userId: 'u' }), told('done', 1)]);
    expect(events.at(-1)?.fields.user_id).toBe('u');
  });

  it('of a private extractor has the redacted name in all its events', () => {
    const { events } = run([submitted({ extractor: 'private.REDACTED.ncsa.x' }), told('start', 0)]);
    expect(events.map(({ fields }) => fields.extractor_name)).toEqual([
      'private.REDACTED.ncsa.x',
      'private.REDACTED.ncsa.x',
    ]);
  });

  it('shows no secret of its messages, and not more than the limit', () => {
    const message = `GET http://clowder/api/files/1?key=canary-1234 failed, secretKey=canary-1234 ${'x'.repeat(40_000)}`;
    const text = String(run([told('error', 0, { message })]).events[0]?.fields.message);
    expect(text).not.toContain('canary');
    expect(text.length).toBeLessThanOrEqual(32_768);
  });

  it('takes its duration from Clowder if Clowder gives one', () => {
    expect(run([told('start', 0), told('done', 900, { durationMs: 61_000 })]).events.at(-1)?.fields.duration_ms).toBe(
      61_000,
    );
    // Whole seconds below two say nothing; fractions of a second do.
    for (const [durationMs, tells] of [
      [0, undefined],
      [1000, undefined],
      [520, 520],
    ] as const)
      expect(run([told('start', 0), told('done', 900, { durationMs })]).events.at(-1)?.fields.duration_ms).toBe(tells);
  });
});

describe('a job without an id', () => {
  const none = { jobId: undefined };

  it('is known by extractor and resource, and is another job if it begins after the end', () => {
    const seen = [
      submitted(none), told('start', 1, none), told('done', 2, none), told('done', 3, none),
      submitted({ ...none, atMs: T0 + 9000 }), told('start', 9001, none), told('done', 9002, none),
    ]; // prettier-ignore
    const { events } = run(seen);
    expect(typesOf(events)).toEqual(['queued', 'working', 'done', 'queued', 'working', 'done']);
    expect(new Set(events.map(({ id }) => id)).size).toBe(6);
    expect(events.every(({ fields }) => fields.job_id === undefined)).toBe(true);
  });
});

describe('ids of events', () => {
  it('are the same for the same observation, whenever it comes', () => {
    const seen = [submitted(), told('start', 1), told('processing', 2), told('error', 3)];
    const ids = run(seen).events.map(({ id }) => id);
    const later = seen.map((one) => Object.assign({}, one, { atMs: one.atMs + 5000 }));
    expect(run(later).events.map(({ id }) => id)).toEqual(ids);
    expect(new Set(ids).size).toBe(4);
  });

  it('differ if the same message comes twice within a second', () => {
    const [first, second] = [
      advance(undefined, told('processing', 1), 0),
      advance(undefined, told('processing', 1), 1),
    ];
    expect(first.event?.id).not.toBe(second.event?.id);
  });
});
