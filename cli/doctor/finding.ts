/** State of what was checked; `skipped`: cannot be checked from here. */
export type State = 'ok' | 'warning' | 'failed' | 'skipped';

export interface Finding {
  readonly state: State;
  /** The finding, in a sentence. */
  readonly found: string;
  /** What to do about it. */
  readonly do?: string;
}

export const ok = (found: string): Finding => ({ state: 'ok', found });
export const skipped = (found: string): Finding => ({ state: 'skipped', found });
export const warning = (found: string, todo: string): Finding => ({ state: 'warning', found, do: todo });
export const failed = (found: string, todo: string): Finding => ({ state: 'failed', found, do: todo });

/** The failures and warnings about one matter; `whenNone` if there are none. */
export function worstOf(findings: readonly Finding[], whenNone: Finding): readonly Finding[] {
  const bad = findings.filter(({ state }) => state === 'failed' || state === 'warning');
  return bad.length > 0 ? bad : [whenNone];
}
