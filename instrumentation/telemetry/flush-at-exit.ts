const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT'] as const;
type Signal = (typeof SIGNALS)[number];

/**
 * Flushes when the program is told to end or has nothing left to do. The program still decides how it ends: its own signal
 * handler if it has one, else the signal's default effect after the flush. A second signal does not wait.
 *
 * @param flush resolves within an acceptable time; never rejects
 * @param flushSync sends what is left when the program exits at once, as by `process.exit` or an error
 */
export function flushAtExit(flush: () => Promise<void>, flushSync: () => void): void {
  const onSignal = (signal: Signal): void => {
    // Removed before the next listener runs: some programs count the listeners to see whether others exist.
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
