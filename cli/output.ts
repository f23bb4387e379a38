import { styleText } from 'node:util';
import { duration } from '../runtime/config/values.ts';
import { fitColumns, naturalWidths, tableLine } from './table.ts';
import { cutTo, terminalJson, terminalText } from './terminal-text.ts';

export type Row = Readonly<Record<string, string | number | boolean | null | undefined>>;

/** Width of a terminal that does not report one. */
const USUAL_WIDTH = 80;
type Colour = 'green' | 'yellow' | 'red';
/** Words for states, and their colours. */
const COLOURS: Readonly<Record<string, Colour>> = {
  up: 'green', ok: 'green', true: 'green', warning: 'yellow', down: 'red', failed: 'red', false: 'red',
}; // prettier-ignore
/** The columns that are coloured. */
const COLOURED: ReadonlySet<string> = new Set(['state', 'ok']);

let wide = false;

/** From now on, tables are never cut (`--wide`). */
export function showWhole(whole: boolean): void {
  wide = whole;
}

/** On a terminal, a table in which no control character takes effect; in a pipe, NDJSON. */
export function printRows(
  rows: Iterable<Row>,
  columns: readonly string[],
  stream: NodeJS.WriteStream = process.stdout,
): void {
  const left = rowPrinter(columns, stream)(rows);
  if (left === 0) return;
  const note = `(${left} more ${left === 1 ? 'column' : 'columns'}: --wide)`;
  stream.write(`${styleText('dim', cutTo(note, widthOfTerminal(stream)), { stream })}\n`);
}

/**
 * Prints rows as they come, with the head once, before the first.
 *
 * @returns a function that prints more rows and returns how many columns did not fit
 */
export function rowPrinter(
  columns: readonly string[],
  stream: NodeJS.WriteStream = process.stdout,
): (rows: Iterable<Row>) => number {
  if (!stream.isTTY)
    return (rows) => {
      for (const row of rows) stream.write(`${terminalJson(row)}\n`);
      return 0;
    };
  let natural: readonly number[] | undefined;
  return (rows) => {
    const cells = [...rows].map((row) => columns.map((column) => terminalText(String(row[column] ?? ''))));
    const isFirst = natural === undefined;
    natural = naturalWidths(columns, cells, natural);
    const widths = wide ? natural : fitColumns(natural, widthOfTerminal(stream));
    const bold = (cell: string): string => styleText('bold', cell, { stream });
    if (isFirst) stream.write(`${tableLine(columns, widths, { cut: !wide, paint: bold })}\n`);
    const paint = painter(columns, stream);
    for (const line of cells) stream.write(`${tableLine(line, widths, { cut: !wide, paint })}\n`);
    return columns.length - widths.length;
  };
}

const widthOfTerminal = ({ columns }: NodeJS.WriteStream): number => columns || USUAL_WIDTH;

function painter(columns: readonly string[], stream: NodeJS.WriteStream): (cell: string, index: number) => string {
  return (cell, index) => {
    const colour = COLOURED.has(columns[index] ?? '') ? COLOURS[cell.trim()] : undefined;
    return colour === undefined ? cell : styleText(colour, cell, { stream });
  };
}

/** Time in a table; on a terminal without fractions of a second. */
export function shownTime(ms: number, stream: NodeJS.WriteStream = process.stdout): string {
  const time = new Date(ms).toISOString();
  return stream.isTTY ? time.replace(/\.\d+Z$/, 'Z') : time;
}

/** Reads a time in RFC 3339 or Unix milliseconds, or an age (a duration as in settings). */
export function parseTime(text: string, now: number): number | undefined {
  const age = duration.parse(text);
  if (age !== undefined) return now - age;
  if (/^\d{11,15}$/.test(text)) return Number(text);
  // Date.parse alone accepts almost anything: "6" becomes June 2001.
  const time = /^\d{4}-\d{2}-\d{2}(?:T|$)/i.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(time) ? undefined : time;
}
