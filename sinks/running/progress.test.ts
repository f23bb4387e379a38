import { describe, expect, it } from 'vitest';
import { progressLine } from './progress.ts';
import type { Backlog } from './watched-sink.ts';

const at = (atMs: number, events: number, accepted: number): Backlog => ({ atMs, events, accepted, dead: 0 });

describe('the progress of a backlog', () => {
  it('has what is left, the speed, and the expected end', () => {
    // 20,000 fewer in 10 s, though 5,000 came in: 40,000 take 20 s more.
    expect(progressLine(at(0, 60_000, 0), at(10_000, 40_000, 25_000))).toEqual({
      message: 'working through a backlog',
      fields: { left: 40_000, events_per_s: 2500, done_about: '1970-01-01T00:00:30Z' },
    });
  });

  it('has no end if more comes in than goes out', () => {
    expect(progressLine(at(0, 5000, 0), at(10_000, 6000, 100))).toEqual({
      message: 'a backlog that does not shrink',
      fields: { left: 6000, events_per_s: 10 },
    });
  });

  it('is not reported without a backlog or an earlier figure', () => {
    expect(progressLine(at(0, 5000, 0), at(10_000, 999, 100))).toBeUndefined();
    expect(progressLine(undefined, at(10_000, 6000, 100))).toBeUndefined();
    expect(progressLine(at(10_000, 6000, 100), at(10_000, 6000, 100))).toBeUndefined();
  });
});
