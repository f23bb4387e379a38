import { describe, expect, test } from 'vitest';
import { SilenceWatch } from './silence.ts';

const MINUTE = 60_000;

/** A source that sends every minute. */
function everyMinute(events: number): SilenceWatch {
  const watch = new SilenceWatch();
  for (let at = 0; at < events; at += 1) watch.note('proxy', at * MINUTE);
  return watch;
}
const stateAt = (watch: SilenceWatch, nowMs: number) => watch.state(nowMs)[0];

describe('the silence of a source', () => {
  test('is usual up to one and a half times its longest silence so far', () => {
    const watch = everyMinute(100);
    const last = 99 * MINUTE;
    expect(stateAt(watch, last + 1.4 * MINUTE)).toMatchObject({ source: 'proxy', silent_s: 84, unusual: false });
    expect(stateAt(watch, last + 1.6 * MINUTE)).toMatchObject({ silent_s: 96, longest_s: 60, unusual: true });
  });

  test('gives the usual pause to within a factor of two', () => {
    const usual = stateAt(everyMinute(100), 100 * MINUTE)?.usual_s ?? 0;
    expect(usual).toBeGreaterThan(30);
    expect(usual).toBeLessThan(120);
  });

  test('is never called unusual if too little is known about the source', () => {
    expect(stateAt(everyMinute(20), 1e9)).toMatchObject({ events: 20, usual_s: null, unusual: false });
    expect(stateAt(everyMinute(1), 1e9)).toMatchObject({ longest_s: null, unusual: false });
  });

  test('is usual if a site has it every night', () => {
    const watch = new SilenceWatch();
    for (let day = 0; day < 7; day += 1)
      for (let hour = 8; hour < 18; hour += 1) watch.note('proxy', (day * 24 + hour) * 60 * MINUTE);
    expect(stateAt(watch, (6 * 24 + 17 + 14) * 60 * MINUTE)).toMatchObject({ longest_s: 15 * 3600, unusual: false });
  });

  test('is the same, learned backwards from the past or as it happens', () => {
    const backwards = new SilenceWatch();
    for (let at = 99; at >= 0; at -= 1) backwards.note('proxy', at * MINUTE);
    expect(backwards.state(1e8)).toEqual(everyMinute(100).state(1e8));
  });

  test('is at least a minute after a burst', () => {
    const watch = new SilenceWatch();
    for (let at = 0; at < 100; at += 1) watch.note('api', at);
    expect(stateAt(watch, 30_000)?.unusual).toBe(false);
    expect(stateAt(watch, 2 * MINUTE)?.unusual).toBe(true);
  });

  test('of many sources names the longest silence first', () => {
    const watch = new SilenceWatch();
    watch.note('api', 9000);
    watch.note('proxy', 1);
    expect(watch.state(10_000).map(({ source }) => source)).toEqual(['proxy', 'api']);
  });
});
