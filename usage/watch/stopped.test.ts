import { describe, expect, test } from 'vitest';
import { stoppedOf, type Series } from './stopped.ts';

const WEEK = 168;
const END = 1000 * WEEK;

/** Counts of the hours before the end of each week, the latest first: `[[0], [20], [20]]` is this week and two before. */
function series(name: string, weeks: readonly (readonly number[])[], kind: Series['kind'] = 'type'): Series {
  const hours = new Map<number, number>();
  weeks.forEach((counts, week) => counts.forEach((count, back) => hours.set(END - week * WEEK - 1 - back, count)));
  return { kind, name, hours };
}

const stopped = (all: readonly Series[], firstHour = 0): unknown => stoppedOf(all, END, firstHour);
const goesOn = series('view.resource', [[50], [50], [50], [50], [50]]);

describe('a series has stopped', () => {
  test('if nothing came in an hour that had 20 events in each of the weeks before, while the rest goes on', () => {
    // 20 expected, and the weeks do not differ: above 15.
    const uploads = series('file.uploaded', [[0], [20], [20], [20], [20]]);
    expect(stopped([uploads, goesOn])).toEqual([{ kind: 'type', name: 'file.uploaded', hours: 1, expected: 20 }]);
  });

  test('after enough hours to expect 15: at 4 an hour, after 4 hours', () => {
    const uploads = series('file.uploaded', [[0, 0, 0, 0], ...Array.from({ length: 4 }, () => [4, 4, 4, 4])]);
    const rest = series(
      'view.resource',
      Array.from({ length: 5 }, () => [50, 50, 50, 50]),
    );
    // 4, 8 and 12 are too few; 16 is enough.
    expect(stopped([uploads, rest])).toEqual([{ kind: 'type', name: 'file.uploaded', hours: 4, expected: 16 }]);
  });

  test('if nothing comes at all any more', () => {
    const all = series('events', [[0], [70], [70], [70], [70]], 'all');
    const type = series('view.resource', [[0], [70], [70], [70], [70]]);
    expect(stopped([all, type])).toMatchObject([{ kind: 'all' }, { kind: 'type' }]);
  });
});

describe('no alarm is raised', () => {
  test.each<[string, readonly Series[], number?]>([
    ['while anything comes', [series('x', [[1], [200], [200], [200], [200]]), goesOn]],
    ['for a few events: 14 in a whole day', [series('x', [[0], [14], [14], [14], [14]]), goesOn]],
    // 400 at noon and nothing at night, this night like every night.
    [
      'at night',
      [
        series('x', [
          [0, 0],
          [0, 0],
          [0, 0],
          [0, 0],
          [0, 0],
        ]),
        goesOn,
      ],
    ],
    // 20 on average, but (0 + 0 + 0 + 80) is one burst: variance 1600, divided by the mean 80. 20 / 80 is a quarter of a burst.
    ['for events that come in bursts', [series('x', [[0], [80], [0], [0], [0]]), goesOn]],
    // A holiday: a tenth of the other events comes. 100 × 0.1 is 10.
    ['on a holiday', [series('x', [[0], [100], [100], [100], [100]]), series('y', [[5], [50], [50], [50], [50]])]],
    [
      'before there are two weeks to compare with',
      [series('x', [[0], [200], [200], [200], [200]]), goesOn],
      END - WEEK - 5,
    ],
    ['without any series', []],
  ])('%s', (_title, all, firstHour) => {
    expect(stopped(all, firstHour)).toEqual([]);
  });
});
