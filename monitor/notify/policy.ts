import type { HealthState } from '../state/health-state.ts';
import type { Notification } from './notification.ts';

/** Of what somebody wants to be told: of every change, of what is down alone, or of every reading. */
export const REPORTS = ['changes', 'failure', 'always'] as const;

/** When somebody wants to be told. */
export interface Policy {
  readonly report: (typeof REPORTS)[number];
  /** Bad readings one after the other before "down" is told. */
  readonly failures: number;
  /** After "down" was told, so long not again that it is down: flapping makes one message. Milliseconds. */
  readonly quietMs: number;
  /** While it is down, told again this often, in milliseconds. */
  readonly remindMs: number | undefined;
  /** Whether at this time of day nothing is told; what is still so afterwards is told then. */
  readonly isQuiet: (atMs: number) => boolean;
}

/** What somebody was told of a target. Times are Unix milliseconds. */
export interface ToldState {
  readonly told: 'down' | 'up';
  /** When "down" was told last. */
  readonly downAtMs: number | undefined;
  /** When anything was told last. */
  readonly atMs: number;
}

/** Nobody needs to be told of what is up from the beginning. */
export const NOTHING_TOLD: ToldState = { told: 'up', downAtMs: undefined, atMs: 0 };

/**
 * What is to be told after a reading. Pure: the same history gives the same messages.
 *
 * @returns undefined if there is nothing to tell, or not yet
 */
export function decide(
  before: ToldState,
  health: HealthState,
  atMs: number,
  policy: Policy,
): { readonly kind: Notification['kind']; readonly state: ToldState } | undefined {
  if (policy.isQuiet(atMs)) return undefined;
  if (policy.report === 'always') return always(before, health, atMs);
  // Who is not told that it is up again is told of the next time that it goes down.
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

/** Whether a time is within hours of a day, which may go over midnight. */
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
