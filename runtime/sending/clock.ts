/** Time, injected. */
export interface Clock {
  /** Unix milliseconds. */
  now(): number;
  /** Resolves after this many milliseconds, or when the signal aborts. */
  wait(ms: number, signal: AbortSignal): Promise<void>;
}

/** Node's timers fire at once for longer pauses. */
const TIMER_MAX_MS = 2 ** 31 - 1;

/** The time of this machine. */
export const systemClock: Clock = {
  now: () => Date.now(),
  wait(ms, signal) {
    return new Promise((resolve) => {
      if (signal.aborted) {
        resolve();
        return;
      }
      const done = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, Math.min(Math.max(0, ms), TIMER_MAX_MS));
      signal.addEventListener('abort', done, { once: true });
    });
  },
};
