import { expect, it } from 'vitest';
import { TakenJobs } from './taken-jobs.ts';

it('jobs are held from their first sighting until one is acknowledged or returned, or none is left', () => {
  const taken = new TakenJobs();
  const look = (atMs: number, unacknowledged: number, turns: number) => {
    taken.looked('q', { unacknowledged, turns }, atMs, 100 + atMs);
    return taken.of('q', 0)?.sinceMs;
  };
  expect(taken.of('q', 0)).toBeUndefined();
  expect(look(1, 0, 5)).toBeUndefined();
  expect(look(2, 1, 5)).toBe(2);
  expect(look(3, 2, 5)).toBe(2);
  expect(taken.of('q', 103)).toMatchObject({ count: 2, sinceMs: 2 });
  expect(taken.of('q', 104)).toBeUndefined();
  expect(look(5, 2, 6)).toBe(5);
  expect(look(6, 0, 7)).toBeUndefined();
  expect(look(7, 1, 7)).toBe(7);
});
