import { describe, expect, it } from 'vitest';
import type { MonitorEvent } from '../../telemetry/emit-event.ts';
import type { Judgement } from '../heartbeats/pings.ts';
import type { Job } from './job.ts';
import { judgeJobs, StuckJobs, type HeldJobs } from './stuck-jobs.ts';

const NOW = Date.UTC(2026, 10, 24);
const MINUTE = 60_000;

const job = (key: string, more: Partial<Job>): Job => ({ key, extractor: 'ncsa.x', had: [], touchedMs: NOW, ...more });
/** Jobs that took 1 to n minutes. */
const ended = (count: number, extractor = 'ncsa.x'): readonly Job[] =>
  Array.from({ length: count }, (_, index) =>
    job(`done-${extractor}-${index}`, { extractor, startedMs: NOW - 1e8, endedMs: NOW - 1e8 + (index + 1) * MINUTE }),
  );
const working = (key: string, minutes: number, extractor = 'ncsa.x'): Job =>
  job(key, { extractor, startedMs: NOW - minutes * MINUTE });

const judge = (jobs: readonly Job[], nowMs: number, held: HeldJobs = new Map()) => judgeJobs(jobs, held, nowMs);

describe('the jobs of an extractor', () => {
  // Of 100 jobs that took 1 to 100 minutes, 99 took at most 99: three times that is 297.
  it('are bad if one is at work for more than three times the duration of 99 in 100', () => {
    expect(judge([...ended(100), working('a', 297)], NOW)).toEqual([
      { target: 'jobs of ncsa.x', component: 'ncsa.x', healthy: true },
    ]);
    expect(judge([...ended(100), working('a', 298), working('b', 5)], NOW)).toEqual([
      {
        target: 'jobs of ncsa.x',
        component: 'ncsa.x',
        healthy: false,
        error: 'at work far longer than usual: a for 4 h 58 min; 99 of 100 jobs take 1 h 39 min at most',
      },
    ]);
  });

  it('are not judged before their usual duration is known, or if they are private', () => {
    expect(judge([...ended(19), working('a', 100_000)], NOW)).toEqual([]);
    expect(judge([...ended(50, 'private.k.x'), working('a', 100_000, 'private.k.x')], NOW)).toEqual([]);
  });

  it('may wait in their queue for any time, and may be short', () => {
    const waiting = job('q', { queuedMs: NOW - 1e9 });
    const quick = Array.from({ length: 30 }, (_, index) => job(`s${index}`, { startedMs: NOW - 10, endedMs: NOW }));
    expect(judge([...quick, waiting, working('a', 1)], NOW)).toMatchObject([{ healthy: true }]);
    expect(judge([...quick, waiting, working('a', 2)], NOW)).toMatchObject([{ healthy: false }]);
  });

  it('are bad if none of those taken is acknowledged for that long, even if their beginning was not seen', () => {
    const held = (minutes: number, extractor = 'ncsa.x') =>
      new Map([[extractor, { count: 2, sinceMs: NOW - minutes * MINUTE }]]);
    expect(judge(ended(100), NOW, held(297))).toMatchObject([{ healthy: true }]);
    expect(judge(ended(100), NOW, held(298))).toEqual([
      {
        target: 'jobs of ncsa.x',
        component: 'ncsa.x',
        healthy: false,
        error: '2 jobs were taken, and none acknowledged for 4 h 58 min; 99 of 100 jobs take 1 h 39 min at most',
      },
    ]);
    expect(judge(ended(100), NOW, held(10_000, 'ncsa.y'))).toMatchObject([{ component: 'ncsa.x', healthy: true }]);
    expect(judge(ended(19), NOW, held(10_000))).toEqual([]);
  });

  it("say nothing about another extractor's jobs, and at most three are named", () => {
    const stuck = ['a', 'b', 'c', 'd', 'e'].map((key) => working(key, 1000));
    const [one, other] = judge([...ended(20), ...stuck, ...ended(20, 'ncsa.y')], NOW);
    expect(one?.error).toMatch(/: a for .*, b for .*, c for .* and 2 more; /);
    expect(other).toMatchObject({ component: 'ncsa.y', healthy: true });
  });
});

it('stuck jobs are reported from time to time, and each change is an event', () => {
  const jobs = [...ended(20)];
  const told: Judgement[] = [];
  const events: MonitorEvent[] = [];
  const watch = new StuckJobs({
    jobs: () => jobs,
    held: () => new Map(),
    emit: (event) => void events.push(event),
    follow: (judgement) => void told.push(judgement),
  });
  watch.tick(NOW);
  watch.tick(NOW + 1000);
  expect(told).toHaveLength(1);
  jobs.push(working('a', 70));
  watch.tick(NOW + 31_000);
  jobs.pop();
  watch.tick(NOW + 62_000);
  watch.tick(NOW + 93_000);
  expect(told.map(({ healthy }) => healthy)).toEqual([true, false, true, true]);
  expect(events.map(({ type, fields }) => [type, fields.target, fields.healthy, fields.changed])).toEqual([
    ['health.ping', 'jobs of ncsa.x', false, true],
    ['health.ping', 'jobs of ncsa.x', true, true],
  ]);
});
