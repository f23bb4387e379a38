import Table from 'cli-table3';
import { duration } from '../runtime/config/values.ts';
import { terminalJson, terminalText } from './terminal-text.ts';

type Row = Readonly<Record<string, string | number | boolean | null | undefined>>;

/** Rows as a table on a terminal, where no name may move the cursor, as NDJSON in a pipe. */
export function printRows(
  rows: Iterable<Row>,
  columns: readonly string[],
  stream: NodeJS.WriteStream = process.stdout,
): void {
  if (stream.isTTY) {
    const table = new Table({ head: [...columns], style: { head: [], border: [] } });
    for (const row of rows) table.push(columns.map((column) => terminalText(String(row[column] ?? ''))));
    stream.write(`${table.toString()}\n`);
    return;
  }
  for (const row of rows) stream.write(`${terminalJson(row)}\n`);
}

const REWRITE_MS = 100;

export interface Progress {
  /** @param of how much of it all that is, where that is known: in bytes, say, of what is counted in lines */
  update(done: number, of?: { readonly part: number; readonly total: number }): void;
  end(): void;
}

/**
 * How far long work has come: one line that is rewritten on a terminal, nothing in a pipe. Where it is known how much there
 * is, also the rate, the share that is done, and how long the rest takes at that rate.
 */
export function progress(
  label: string,
  stream: NodeJS.WriteStream = process.stderr,
  now: () => number = Date.now,
): Progress {
  const shown = stream.isTTY;
  const beganMs = now();
  let last = Number.NEGATIVE_INFINITY;
  let written = false;
  return {
    update(done, of) {
      if (!shown || now() - last < REWRITE_MS) return;
      last = now();
      written = true;
      const rest = of === undefined || of.total <= 0 ? '' : restOf(done, of.part / of.total, (last - beganMs) / 1000);
      stream.write(`\r${label}: ${Math.round(done).toLocaleString('en')}${rest}`);
    },
    end() {
      if (written) stream.write('\n');
    },
  };
}

/** Padded, so that nothing of a longer line before it is left. */
function restOf(done: number, share: number, seconds: number): string {
  if (seconds <= 0 || share <= 0) return '';
  const left = Math.max(0, Math.ceil((seconds * (1 - share)) / share));
  const percent = Math.min(100, Math.floor(share * 100));
  return `, ${Math.round(done / seconds).toLocaleString('en')}/s, ${percent} %, ${left} s left`.padEnd(48);
}

/** A time given as RFC 3339, Unix milliseconds, or as an age: a duration as settings have them. */
export function parseTime(text: string, now: number): number | undefined {
  const age = duration.parse(text);
  if (age !== undefined) return now - age;
  if (/^\d{11,15}$/.test(text)) return Number(text);
  // Date.parse alone takes almost anything for a time: "6" is June 2001.
  const time = /^\d{4}-\d{2}-\d{2}(?:T|$)/i.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(time) ? undefined : time;
}
