import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { step, UNKNOWN, type HealthState, type Step, type Thresholds } from './health-state.ts';
import { runs } from '../../test/support/form.ts';

interface Told {
  readonly healthy: boolean;
  readonly atMs: number;
}

/** Length of the run of equal readings that ends at the index. */
function runLength(history: readonly Told[], end: number): number {
  let length = 1;
  while (end - length >= 0 && history[end - length]?.healthy === history[end]?.healthy) length += 1;
  return length;
}

/** The same state computed from the whole history: the last run that was long enough gives the status. */
function model(history: readonly Told[], { failures, successes }: Thresholds): { status: string; sinceMs: number } {
  let known = { status: 'unknown', sinceMs: 0 };
  history.forEach(({ healthy }, index) => {
    const length = runLength(history, index);
    const needed = healthy ? (known.status === 'unknown' ? 1 : successes) : failures;
    const status = healthy ? 'up' : 'down';
    if (status !== known.status && length >= needed)
      known = { status, sinceMs: history[index - length + 1]?.atMs ?? Number.NaN };
  });
  return known;
}

const histories = fc
  .array(fc.record({ healthy: fc.boolean(), pauseMs: fc.nat(100_000) }), { maxLength: 40 })
  .map((all) => {
    let atMs = 1000;
    return all.map(({ healthy, pauseMs }) => ({ healthy, atMs: (atMs += pauseMs) }));
  });
const thresholds = fc.record({ failures: fc.integer({ min: 1, max: 4 }), successes: fc.integer({ min: 1, max: 4 }) });

function walk(history: readonly Told[], limits: Thresholds): Step[] {
  let state: HealthState = UNKNOWN;
  return history.map(({ healthy, atMs }) => {
    const one = step(state, healthy, atMs, limits);
    state = one.state;
    return one;
  });
}

describe('the state of a target', () => {
  it('is that of the last run of readings that was long enough, since its first reading', () => {
    fc.assert(
      fc.property(histories, thresholds, (history, limits) => {
        walk(history, limits).forEach(({ state }, index) => {
          const { status, sinceMs } = model(history.slice(0, index + 1), limits);
          expect(state).toMatchObject({ status, ...(status !== 'unknown' && { sinceMs }) });
        });
      }),
      runs(),
    );
  });

  it('goes down and up in turn: one change for each, and never two of a kind in a row', () => {
    fc.assert(
      fc.property(histories, thresholds, (history, limits) => {
        const changes = walk(history, limits).filter((one) => one.changed);
        changes.forEach((one, index) => expect(one.state.status).toBe(index % 2 === 0 ? 'down' : 'up'));
      }),
      runs(),
    );
  });

  it('says how long it was down: from the first bad reading to the first good one', () => {
    fc.assert(
      fc.property(histories, thresholds, (history, limits) => {
        let downSinceMs = 0;
        for (const { state, changed, downForS } of walk(history, limits)) {
          if (!changed) continue;
          if (state.status === 'down') downSinceMs = state.sinceMs;
          else expect(downForS).toBeCloseTo((state.sinceMs - downSinceMs) / 1000);
        }
      }),
      runs(),
    );
  });
});

describe('one step', () => {
  const once = { failures: 1, successes: 1 };

  it('for a target seen for the first time is a change if it is down, and none if it is up', () => {
    expect(step(UNKNOWN, true, 5, once)).toMatchObject({ changed: false, uptimeS: 0, downForS: undefined });
    expect(step(UNKNOWN, false, 5, once)).toMatchObject({ changed: true, downForS: 0, uptimeS: undefined });
  });

  it('with one bad reading does not end a long time up if two are needed', () => {
    const limits = { failures: 2, successes: 1 };
    const up = step(UNKNOWN, true, 1000, limits).state;
    const shaken = step(up, false, 61_000, limits);
    expect(shaken).toMatchObject({ changed: false, uptimeS: 60 });
    expect(step(shaken.state, true, 121_000, limits)).toMatchObject({ changed: false, uptimeS: 120 });
    expect(step(shaken.state, false, 121_000, limits)).toMatchObject({ changed: true, downForS: 60 });
  });

  it('treats a clock that was set back as one that stood still', () => {
    const up = step(UNKNOWN, true, 10_000, once).state;
    expect(step(up, true, 4000, once).uptimeS).toBe(0);
  });
});
