import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { memoryJobStore } from '../../../test/support/memory-job-store.ts';
import type { MonitorEvent } from '../../telemetry/emit-event.ts';
import type { StatusWord } from '../wire/status-words.ts';
import { JobBook } from './job-book.ts';
import type { JobStore } from './job-store.ts';
import type { Observation } from './observation.ts';
import { runs } from '../../../test/support/form.ts';

const T0 = Date.UTC(2026, 0, 20);
const WORDS = ['start', 'processing', 'retry', 'done', 'skip', 'error'] as const satisfies readonly StatusWord[];

type Step =
  | { readonly do: 'queue'; readonly job: number; readonly again: boolean }
  | { readonly do: 'tell'; readonly job: number; readonly word: (typeof WORDS)[number]; readonly text: number }
  /** The last messages, still unacknowledged, come again: on a new channel, or after a kill of the monitor. */
  | { readonly do: 'redeliver'; readonly restart: boolean }
  | { readonly do: 'acknowledge' };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constant('queue' as const), job: fc.nat(3), again: fc.boolean() }) },
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('tell' as const),
      job: fc.nat(3),
      word: fc.constantFrom(...WORDS),
      text: fc.nat(2),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('redeliver' as const), restart: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('acknowledge' as const) }) },
);

function observation(one: Extract<Step, { do: 'queue' | 'tell' }>, index: number): Observation {
  const common = {
    atMs: T0 + index * 400,
    jobId: `job${one.job}`,
    extractor: 'ncsa.x',
    version: undefined,
    userId: undefined,
  };
  if (one.do === 'queue')
    return {
      what: 'submitted',
      ...common,
      subject: { fileId: 'f' },
      resourceName: undefined,
      userName: undefined,
      again: one.again,
    };
  return {
    what: 'told', ...common, resourceId: 'f', subject: undefined, word: one.word, message: `text ${one.text}`,
    // Each second of the wall clock has two or three messages.
    clock: `second ${Math.floor((index * 400) / 1000)}`, clockMs: undefined, durationMs: undefined,
  }; // prettier-ignore
}

function openBook(store: JobStore, events: MonitorEvent[]): JobBook {
  return new JobBook({
    store,
    emit: (event) => void events.push(event),
    persist: () => undefined,
    waitMs: 0,
    maxJobs: 1000,
    forgetMs: 1e9,
    onStoreFailure: (error) => {
      throw error;
    },
  });
}

describe('the events of jobs, with any messages, redeliveries and kills,', () => {
  it('are one for each message of progress, and one queued, done and failed for each job', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const store = memoryJobStore();
        const events: MonitorEvent[] = [];
        let book = openBook(store, events);
        let unacknowledged: Observation[] = [];
        const seen: Observation[] = [];
        const observe = (one: Observation): void => book.observe(one, 'rabbitmq', one.atMs);
        for (const [index, one] of steps.entries()) {
          if (one.do === 'queue' || one.do === 'tell') {
            const said = observation(one, index);
            seen.push(said);
            unacknowledged.push(said);
            observe(said);
          } else if (one.do === 'acknowledge') {
            book.save();
            unacknowledged = [];
          } else {
            if (one.restart) book = openBook(store, events);
            book.deliveredAgain();
            for (const again of unacknowledged) observe(again);
          }
        }
        const ids = new Map(events.map((event) => [event.id, event]));
        const kept = [...ids.values()];
        for (const job of [0, 1, 2, 3].map((number) => `job${number}`)) {
          const of = (type: string): readonly MonitorEvent[] =>
            kept.filter(({ type: own, fields }) => own === `extraction.${type}` && fields.job_id === job);
          const told = seen.flatMap((one) => (one.what === 'told' && one.jobId === job ? [one] : []));
          const working = told.filter(({ word }) => ['start', 'processing', 'retry'].includes(word));
          // Two equal messages within one second, around an acknowledgement and a redelivery, may count as one.
          const distinct = new Set(working.map(({ clock, message }) => `${clock} ${message}`));
          expect(of('working').length).toBeGreaterThanOrEqual(distinct.size);
          expect(of('working').length).toBeLessThanOrEqual(working.length);
          expect(of('done')).toHaveLength(told.some(({ word }) => word === 'done' || word === 'skip') ? 1 : 0);
          expect(of('failed')).toHaveLength(told.some(({ word }) => word === 'error') ? 1 : 0);
          const queued = seen.some((one) => one.what === 'submitted' && one.jobId === job && !one.again);
          expect(of('queued')).toHaveLength(queued ? 1 : 0);
        }
        for (const { fields } of kept)
          if (fields.duration_ms !== undefined) expect(fields.duration_ms).toBeGreaterThanOrEqual(0);
      }),
      runs(400),
    );
  });

  it('match the messages exactly if nothing is delivered again', () => {
    const plain = fc.array(
      step.filter((one) => one.do === 'tell'),
      { maxLength: 60 },
    );
    fc.assert(
      fc.property(plain, (steps) => {
        const events: MonitorEvent[] = [];
        const book = openBook(memoryJobStore(), events);
        const said = steps.flatMap((one, index) => (one.do === 'tell' ? [observation(one, index)] : []));
        for (const one of said) book.observe(one, 'rabbitmq', one.atMs);
        const working = said.filter(
          (one) => one.what === 'told' && ['start', 'processing', 'retry'].includes(one.word),
        );
        const emitted = events.filter(({ type }) => type === 'extraction.working');
        expect(new Set(emitted.map(({ id }) => id)).size).toBe(working.length);
        expect(emitted.map(({ createdMs }) => createdMs)).toEqual(working.map(({ atMs }) => atMs));
      }),
      runs(300),
    );
  });
});
