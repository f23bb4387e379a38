const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT'] as const;
type Signal = (typeof SIGNALS)[number];

/**
 * Flushes when the program is told to end, or has nothing left to do, and leaves the ending to it: where it handles the
 * signal itself, its handler decides; if it does not, the signal takes its usual effect after the flush. A second
 * signal does not wait.
 *
 * @param flush resolves within a time that one can wait for; never rejects
 * @param flushSync for what is left when the program exits at once, as by `process.exit` or an error
 */
export function flushAtExit(flush: () => Promise<void>, flushSync: () => void): void {
  const onSignal = (signal: Signal): void => {
    // Gone before the next listener runs: some count the listeners to see whether the program has its own.
    process.removeListener(signal, onSignal);
    const handled = process.listenerCount(signal) > 0;
    void flush().finally(() => {
      if (handled) process.prependListener(signal, onSignal);
      else process.kill(process.pid, signal);
    });
  };
  for (const signal of SIGNALS) process.prependListener(signal, onSignal);
  process.once('beforeExit', () => void flush());
  process.once('exit', flushSync);
}
