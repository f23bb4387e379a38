import { setTimeout as delay } from 'node:timers/promises';

export interface WaitOptions {
  /** For a busy machine, not for what is slow: it is only reached where the condition never comes. @default 60000 */
  readonly timeoutMs?: number;
  /** Pause between two looks, in milliseconds. @default 25 */
  readonly everyMs?: number;
  /** What is waited for, as the error names it. */
  readonly what: string;
}

/**
 * Looks until the condition gives something other than undefined or false; a look that throws has not succeeded yet.
 *
 * @returns what the condition gave
 * @throws Error naming what was waited for, with the last look's error as cause
 */
export async function waitFor<T>(
  condition: () => T | undefined | false | Promise<T | undefined | false>,
  { timeoutMs = 60_000, everyMs = 25, what }: WaitOptions,
): Promise<T> {
  const end = performance.now() + timeoutMs;
  let cause: unknown;
  do {
    try {
      const result = await condition();
      if (result !== undefined && result !== false) return result;
      cause = undefined;
    } catch (error) {
      cause = error;
    }
    await delay(everyMs);
  } while (performance.now() < end);
  throw new Error(`waited ${timeoutMs} ms in vain for ${what}`, { cause });
}

/** Whether a GET of the URL answers 200; false where nobody answers. */
export async function answersOk(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(10_000) });
    await response.arrayBuffer();
    return response.status === 200;
  } catch {
    return false;
  }
}
