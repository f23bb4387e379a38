import { setTimeout as delay } from 'node:timers/promises';

export interface WaitOptions {
  /** Generous for a busy machine: reached only if the condition never holds. @default 60000 */
  readonly timeoutMs?: number;
  /** Pause between two checks, in milliseconds. @default 25 */
  readonly everyMs?: number;
  /** What is waited for, for the error message. */
  readonly what: string;
}

/**
 * Polls until the condition returns something other than undefined or false; a check that throws counts as not yet.
 *
 * @returns the condition's result
 * @throws Error naming what was waited for, with the last check's error as cause
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

/** Whether a GET of the URL answers 200; false if nothing answers. */
export async function answersOk(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(10_000) });
    await response.arrayBuffer();
    return response.status === 200;
  } catch {
    return false;
  }
}
