import type { Clock } from '../../runtime/sending/clock.ts';

/** Spaces the starts of requests evenly, at this rate for all callers together. */
export function paced(ratePerS: number, clock: Clock, signal: AbortSignal): () => Promise<void> {
  const everyMs = 1000 / ratePerS;
  let nextMs = 0;
  return async () => {
    const nowMs = clock.now();
    const at = Math.max(nowMs, nextMs);
    nextMs = at + everyMs;
    if (at > nowMs) await clock.wait(at - nowMs, signal);
  };
}

/** Does the work for each item, a limited number at once. The first failure ends it, after the work under way. */
export async function eachOf<T>(
  items: readonly T[],
  concurrent: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  let next = 0;
  let failed = false;
  const lane = async (): Promise<void> => {
    while (!failed && next < items.length) {
      const item = items[next];
      next += 1;
      if (item === undefined) return;
      try {
        await work(item);
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  const lanes = Array.from({ length: Math.min(concurrent, items.length) }, lane);
  const problem = (await Promise.allSettled(lanes)).find((one) => one.status === 'rejected');
  if (problem !== undefined) throw problem.reason;
}
