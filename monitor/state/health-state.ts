/** How many readings in a row make a change. */
export interface Thresholds {
  readonly failures: number;
  readonly successes: number;
}

/** The state of one target. Times are Unix milliseconds. */
export interface HealthState {
  readonly status: 'unknown' | 'up' | 'down';
  /** Time of the first of the readings behind the status. */
  readonly sinceMs: number;
  /** The latest readings that contradict the status: how many, and the time of the first. */
  readonly against: { readonly count: number; readonly sinceMs: number } | undefined;
  /** Bad readings in a row, up to now. */
  readonly failures: number;
}

/** What a reading means. */
export interface Step {
  readonly state: HealthState;
  /** It went down or came back. A target's first known state is a change only if it is down. */
  readonly changed: boolean;
  /** How long it has been down, or was down when it came back, in seconds; undefined while it is up. */
  readonly downForS: number | undefined;
  /** How long it has been up, in seconds; undefined while it is not. */
  readonly uptimeS: number | undefined;
}

export const UNKNOWN: HealthState = { status: 'unknown', sinceMs: 0, against: undefined, failures: 0 };

/** The state after one more reading. Pure; a clock that was set back counts as standing still. */
export function step(before: HealthState, healthy: boolean, atMs: number, thresholds: Thresholds): Step {
  const says = healthy ? 'up' : 'down';
  const failures = healthy ? 0 : before.failures + 1;
  if (says === before.status) return told({ ...before, against: undefined, failures }, atMs, false, undefined);
  const against = { count: (before.against?.count ?? 0) + 1, sinceMs: before.against?.sinceMs ?? atMs };
  const needed = healthy ? thresholds.successes : thresholds.failures;
  if (before.status === 'unknown') return firstStep(before, says, failures, atMs, needed);
  if (against.count < needed) return told({ ...before, against, failures }, atMs, false, undefined);
  const state: HealthState = { status: says, sinceMs: against.sinceMs, against: undefined, failures };
  return told(state, atMs, true, says === 'up' ? secondsBetween(before.sinceMs, against.sinceMs) : undefined);
}

function firstStep(before: HealthState, says: 'up' | 'down', failures: number, atMs: number, needed: number): Step {
  // One good reading is enough to count as up.
  if (says === 'up')
    return told({ status: 'up', sinceMs: atMs, against: undefined, failures: 0 }, atMs, false, undefined);
  const sinceMs = before.against?.sinceMs ?? atMs;
  if (failures < needed)
    return told({ ...before, against: { count: failures, sinceMs }, failures }, atMs, false, undefined);
  return told({ status: 'down', sinceMs, against: undefined, failures }, atMs, true, undefined);
}

function told(state: HealthState, atMs: number, changed: boolean, wasDownForS: number | undefined): Step {
  return {
    state,
    changed,
    downForS: state.status === 'down' ? secondsBetween(state.sinceMs, atMs) : wasDownForS,
    uptimeS: state.status === 'up' ? secondsBetween(state.sinceMs, atMs) : undefined,
  };
}

const secondsBetween = (fromMs: number, toMs: number): number => Math.max(0, toMs - fromMs) / 1000;
