import { cutTo } from './terminal-text.ts';

const REWRITE_MS = 100;
/** Width of a terminal that does not report one. */
const USUAL_WIDTH = 80;
/** Return to the start of the line and clear it. */
const AGAIN = '\r\u001b[K';

export interface Progress {
  /** @param of how much of the whole is done, if known; may be in another unit, such as bytes when lines are counted */
  update(done: number, of?: { readonly part: number; readonly total: number }): void;
  /** Shows text while there is nothing to count, such as what the work waits for. */
  say(text: string): void;
  /** Leaves the last figure on the screen. */
  end(): void;
}

/**
 * Shows progress: on a terminal one line that is rewritten, in a pipe nothing. The line has the count and the rate per second;
 * if the whole is known, also the percentage done and the time left at that rate.
 *
 * @param label what is counted, such as `events published`
 */
export function progress(
  label: string,
  stream: NodeJS.WriteStream = process.stderr,
  now: () => number = Date.now,
): Progress {
  if (!stream.isTTY) return { update: () => undefined, say: () => undefined, end: () => undefined };
  let beganMs = now();
  let shownMs = Number.NEGATIVE_INFINITY;
  let line = '';
  let shown = '';
  const write = (): void => {
    // A line that the terminal wraps could not be rewritten.
    shown = line;
    stream.write(AGAIN + cutTo(line, (stream.columns || USUAL_WIDTH) - 1));
  };
  const show = (text: string): void => {
    line = text;
    if (now() - shownMs < REWRITE_MS) return;
    shownMs = now();
    write();
  };
  return {
    update: (done, of) => show(progressLine(label, { done, share: shareOf(of), ms: now() - beganMs })),
    say(text) {
      show(`${label}: ${text}`);
      // Waiting does not count towards the rate.
      beganMs = now();
    },
    end() {
      if (shown !== line) write();
      if (line !== '') stream.write('\n');
    },
  };
}

const shareOf = (of?: { readonly part: number; readonly total: number }): number | undefined =>
  of === undefined || of.total <= 0 ? undefined : of.part / of.total;

/** @param share of the whole that is done; undefined if the whole is unknown */
function progressLine(
  label: string,
  { done, share, ms }: { readonly done: number; readonly share: number | undefined; readonly ms: number },
): string {
  const parts = [`${label}: ${count(done)}`];
  if (ms > 0) parts.push(`${count(Math.round((done * 1000) / ms))}/s`);
  if (share !== undefined) parts.push(`${Math.floor(Math.min(share, 1) * 100)} %`);
  if (share !== undefined && share > 0 && ms > 0) parts.push(`${timeLeft((ms / 1000) * (1 / share - 1))} left`);
  return parts.join(', ');
}

const count = (value: number): string => Math.round(value).toLocaleString('en');

/** Seconds in at most two units: `45 s`, `3 min 5 s`, `2 h 10 min`. */
function timeLeft(given: number): string {
  const seconds = Math.max(0, Math.ceil(given));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${seconds % 60} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
