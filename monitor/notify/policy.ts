import type { HealthState } from '../state/health-state.ts';
import type { Notification } from './notification.ts';

/** What to report: every change, only what goes down, or every reading. */
export const REPORTS = ['changes', 'failure', 'always'] as const;

/** When to notify. */
export interface Policy {
  readonly report: (typeof REPORTS)[number];
  /** Bad readings in a row before "down" is reported. */
  readonly failures: number;
  /** After "down" was reported, how long it is not reported again, so that flapping makes one message. Milliseconds. */
  readonly quietMs: number;
  /** How often "down" is repeated while it lasts, in milliseconds. */
  readonly remindMs: number | undefined;
  /** Whether it is quiet time. What still holds afterwards is then reported. */
  readonly isQuiet: (atMs: number) => boolean;
}

/** What one recipient was told about a target. Times are Unix milliseconds. */
export interface ToldState {
  readonly told: 'down' | 'up';
  /** When "down" was last reported. */
  readonly downAtMs: number | undefined;
  /** When anything was last reported. */
  readonly atMs: number;
}

/** A target that is up from the beginning is no news. */
export const NOTHING_TOLD: ToldState = { told: 'up', downAtMs: undefined, atMs: 0 };

/**
 * The message after a reading, if any. Pure: the same history gives the same messages.
 *
 * @returns undefined if there is nothing to report, or not yet
 */
export function decide(
  before: ToldState,
  health: HealthState,
  atMs: number,
  policy: Policy,
): { readonly kind: Notification['kind']; readonly state: ToldState } | undefined {
  if (policy.isQuiet(atMs)) return undefined;
  if (policy.report === 'always') return always(before, health, atMs);
  // With `failure`, recipients are not told that it is up again, but they are told when it next goes down.
  const isNew = before.told === 'up' || (policy.report === 'failure' && health.sinceMs > (before.downAtMs ?? 0));
  if (health.status === 'down' && isNew) {
    if (health.failures < policy.failures) return undefined;
    if (before.downAtMs !== undefined && atMs - before.downAtMs < policy.quietMs) return undefined;
    return { kind: 'down', state: { told: 'down', downAtMs: atMs, atMs } };
  }
  if (health.status === 'down' && policy.remindMs !== undefined && atMs - before.atMs >= policy.remindMs)
    return { kind: 'still_down', state: { ...before, atMs } };
  if (policy.report === 'changes' && health.status === 'up' && before.told === 'down')
    return { kind: 'up', state: { ...before, told: 'up', atMs } };
  return undefined;
}

function always(before: ToldState, health: HealthState, atMs: number): ReturnType<typeof decide> {
  if (health.status === 'unknown') return undefined;
  if (health.status === 'up')
    return { kind: before.told === 'down' ? 'up' : 'still_up', state: { ...before, told: 'up', atMs } };
  if (before.told === 'down') return { kind: 'still_down', state: { ...before, atMs } };
  return { kind: 'down', state: { told: 'down', downAtMs: atMs, atMs } };
}

/** Whether a time is within hours of a day, possibly across midnight. */
export function quietHours(from: string, to: string, timeZone: string | undefined): (atMs: number) => boolean {
  const clock = new Intl.DateTimeFormat('en-GB', {
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
    ...(timeZone !== undefined && { timeZone }),
  });
  return (atMs) => {
    const now = clock.format(atMs);
    return from <= to ? from <= now && now < to : now >= from || now < to;
  };
}
