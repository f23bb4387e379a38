/** The most time from SIGTERM to the end of the process (docs/design.md, "Promises", 4). */
const STOP_WITHIN_MS = 9500;

/** The part of a pino logger that is used here. */
interface StopLog {
  info(message: string): void;
  error(fields: object, message: string): void;
}

/**
 * On SIGTERM or SIGINT, stops everything and ends the process: with 0, also if time runs out; with 1 if stopping fails.
 *
 * @param log gets the result; without a log, the stopped parts report it themselves
 * @returns a function that does the same without a signal
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
