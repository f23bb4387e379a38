import { describe, expect, test } from 'vitest';
import type { FlatBody } from '../../taxonomy/flat-body.ts';
import { ReadingWatch } from './readings.ts';

const ping = (created: number, healthy: boolean, more: object = {}): FlatBody => ({
  event_id: `${created}`,
  event: 'health.ping',
  created,
  source: 'monitor',
  target: 't',
  component: 'clowder',
  healthy,
  ...more,
});
const watched = (...bodies: readonly FlatBody[]): ReadingWatch => {
  const watch = new ReadingWatch();
  for (const body of bodies) watch.note(body);
  return watch;
};

describe('the latest reading', () => {
  const readings = [ping(1, true), ping(2, true), ping(3, false, { error: 'refused' }), ping(4, false)];

  test('says since when its state lasts, in whichever order readings arrive', () => {
    const expected = { at_ms: 4, since_ms: 3, healthy: false };
    expect(watched(...readings).state(5)[0]).toMatchObject(expected);
    expect(watched(...readings.toReversed()).state(5)[0]).toMatchObject(expected);
  });

  test("has the measured values, and none of the event's names", () => {
    const [reading] = watched(ping(1, true, { response_time_ms: 12, version: '1.21', uptime: 3 })).state(2);
    expect(reading?.measures).toEqual({ response_time_ms: 12, version: '1.21' });
  });

  test('is one for each target, with bad ones first', () => {
    const states = watched(ping(1, true, { target: 'a' }), ping(1, false, { target: 'b' })).state(2);
    expect(states.map(({ target }) => target)).toEqual(['b', 'a']);
  });

  test('is stale after three intervals without another one, and at least five minutes', () => {
    const hour = 3_600_000;
    const slow = watched(ping(0, true), ping(hour, true));
    expect(slow.state(3.9 * hour)[0]?.stale).toBe(false);
    expect(slow.state(4.1 * hour)[0]?.stale).toBe(true);
    expect(watched(ping(0, true)).state(299_000)[0]?.stale).toBe(false);
    expect(watched(ping(0, true)).state(301_000)[0]?.stale).toBe(true);
  });
});
