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

/** How far long work has come: one line that is rewritten on a terminal, nothing in a pipe. */
export function progress(
  label: string,
  stream: NodeJS.WriteStream = process.stderr,
  now: () => number = Date.now,
): { update(done: number): void; end(): void } {
  const shown = stream.isTTY;
  let last = Number.NEGATIVE_INFINITY;
  return {
    update(done) {
      if (!shown || now() - last < REWRITE_MS) return;
      last = now();
      stream.write(`\r${label}: ${done.toLocaleString('en')}`);
    },
    end() {
      if (shown) stream.write('\n');
    },
  };
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
