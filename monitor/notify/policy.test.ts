import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { step, UNKNOWN } from '../state/health-state.ts';
import { decide, NOTHING_TOLD, quietHours, type Policy } from './policy.ts';
import { runs } from '../../test/support/form.ts';

const always: Policy = { report: 'changes', failures: 1, quietMs: 0, remindMs: undefined, isQuiet: () => false };
const MINUTE = 60_000;

/** Notifications for readings a minute apart: `+` good, `-` bad. @returns each with its minute, from 0 */
function told(readings: string, policy: Partial<Policy> = {}): string[] {
  let health = UNKNOWN;
  let state = NOTHING_TOLD;
  const messages: string[] = [];
  readings.split('').forEach((sign, minute) => {
    health = step(health, sign === '+', minute * MINUTE, { failures: 1, successes: 1 }).state;
    const decision = decide(state, health, minute * MINUTE, { ...always, ...policy });
    if (decision === undefined) return;
    state = decision.state;
    messages.push(`${minute} ${decision.kind}`);
  });
  return messages;
}

describe("a target's notifications", () => {
  it('are one for each change, and none while all is well', () => {
    expect(told('+++---+++')).toEqual(['3 down', '6 up']);
    expect(told('++++')).toEqual([]);
  });

  it('are only about being down, each time that it goes down, with report: failure', () => {
    expect(told('+--++-+', { report: 'failure' })).toEqual(['1 down', '5 down']);
    expect(told('+---', { report: 'failure', remindMs: MINUTE })).toEqual(['1 down', '2 still_down', '3 still_down']);
    expect(told('+--+--+', { report: 'failure', failures: 2 })).toEqual(['2 down', '5 down']);
  });

  it('are one for each reading with report: always', () => {
    expect(told('++--+', { report: 'always' })).toEqual(['0 still_up', '1 still_up', '2 down', '3 still_down', '4 up']);
    expect(told('+-+', { report: 'always', isQuiet: (atMs) => atMs === MINUTE })).toEqual(['0 still_up', '2 still_up']);
  });

  it('begin at the start of the monitor if the target is down then', () => {
    expect(told('--+')).toEqual(['0 down', '2 up']);
  });

  it('wait for the configured number of bad readings, and leave out shorter troubles', () => {
    expect(told('+--+---+', { failures: 3 })).toEqual(['6 down', '7 up']);
    expect(told('+--+--+', { failures: 3 })).toEqual([]);
  });

  it('are one pair during the quiet time if the target flaps, and then its state', () => {
    expect(told('+-+-+-+-+-+-+-', { quietMs: 10 * MINUTE })).toEqual(['1 down', '2 up', '11 down', '12 up']);
    expect(told('+-+------------', { quietMs: 10 * MINUTE })).toEqual(['1 down', '2 up', '11 down']);
  });

  it('are repeated while the target is down if reminders are on', () => {
    expect(told('+-------+', { remindMs: 3 * MINUTE })).toEqual(['1 down', '4 still_down', '7 still_down', '8 up']);
  });

  it('wait for the end of quiet hours, and then give only the current state', () => {
    const isQuiet = (atMs: number): boolean => atMs < 5 * MINUTE;
    expect(told('+-------+', { isQuiet })).toEqual(['5 down', '8 up']);
    expect(told('+--++++++', { isQuiet })).toEqual([]);
  });

  it('are down and up in turn, whatever happens', () => {
    const policies = fc.record({
      failures: fc.integer({ min: 1, max: 4 }),
      quietMs: fc.nat(10 * MINUTE),
      isQuiet: fc.func(fc.boolean()),
    });
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('+', '-'), maxLength: 60 }), policies, (readings, policy) => {
        told(readings, policy).forEach((message, index) =>
          expect(message).toMatch(index % 2 === 0 ? / down$/ : / up$/),
        );
      }),
      runs(),
    );
  });
});

describe('quiet hours', () => {
  const at = (time: string): number => Date.parse(`2026-03-01T${time}:00Z`);

  it('may span midnight', () => {
    const isQuiet = quietHours('22:00', '07:00', 'UTC');
    expect(['21:59', '22:00', '23:30', '00:00', '06:59', '07:00'].map((time) => isQuiet(at(time)))).toEqual([
      false,
      true,
      true,
      true,
      true,
      false,
    ]);
  });

  it('are in the configured time zone', () => {
    const isQuiet = quietHours('12:00', '13:00', 'America/Chicago');
    expect([at('12:30'), at('18:30')].map(isQuiet)).toEqual([false, true]);
  });
});
