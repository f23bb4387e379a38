/** From SIGTERM to the end of the process, whatever is left (docs/design.md, "Promises", 4). */
const STOP_WITHIN_MS = 9500;

/** The part of a pino logger that is used. */
interface StopLog {
  info(message: string): void;
  error(fields: object, message: string): void;
}

/**
 * On SIGTERM or SIGINT stops what runs, then ends the process: with 0, also if the time is over; with 1 where stopping
 * failed.
 *
 * @param log told how it ended; without one, what is stopped tells itself
 * @returns what does the same without a signal
 */
export function stopOnSignal(stop: () => Promise<void>, log?: StopLog): () => void {
  let ending = false;
  const end = (): void => {
    if (ending) return;
    ending = true;
    setTimeout(() => process.exit(0), STOP_WITHIN_MS).unref();
    stop().then(
      () => {
        log?.info('stopped');
        process.exit(0);
      },
      (error: unknown) => {
        log?.error({ err: error }, 'could not stop cleanly');
        process.exit(1);
      },
    );
  };
  process.once('SIGTERM', end);
  process.once('SIGINT', end);
  return end;
}
