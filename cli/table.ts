import { cutTo, padTo, widthOf } from './terminal-text.ts';

/** Between two columns. */
const GAP = '  ';
/** A column this narrow is never cut: times and Clowder's ids are of no use in part. */
const WHOLE = 24;
/** A column cut to less than this is useless. */
const LEAST = 8;

/**
 * Widths of a table's columns that fit into `room` cells. The first columns count most; columns at the end that do not fit
 * get no width and are left out.
 *
 * @param natural the widths without a limit
 */
export function fitColumns(natural: readonly number[], room: number): readonly number[] {
  const widths: number[] = [];
  let left = room;
  for (const width of natural) {
    const before = widths.length === 0 ? 0 : GAP.length;
    const wanted = Math.min(width, WHOLE);
    const given = Math.min(wanted, left - before);
    if (given < Math.min(wanted, LEAST) && widths.length > 0) break;
    widths.push(Math.max(given, 1));
    left -= before + given;
    if (given < wanted) break;
  }
  return shareOut(widths, natural, left);
}

/** Shares the remaining room evenly among the columns that want more. */
function shareOut(widths: readonly number[], natural: readonly number[], left: number): readonly number[] {
  const wanting = widths.flatMap((width, index) => ((natural[index] ?? 0) > width ? [index] : []));
  if (left <= 0 || wanting.length === 0) return widths;
  const share = Math.max(1, Math.floor(left / wanting.length));
  let rest = left;
  const wider = widths.map((width, index) => {
    if (!wanting.includes(index) || rest === 0) return width;
    const more = Math.min(share, rest, (natural[index] ?? 0) - width);
    rest -= more;
    return width + more;
  });
  return shareOut(wider, natural, rest);
}

/** The widths that these rows need, and at least those that the columns had before. */
export function naturalWidths(
  columns: readonly string[],
  rows: readonly (readonly string[])[],
  before: readonly number[] = [],
): readonly number[] {
  return columns.map((column, index) =>
    rows.reduce(
      (most, row) => Math.max(most, widthOf(row[index] ?? '')),
      Math.max(widthOf(column), before[index] ?? 0),
    ),
  );
}

export interface TableStyle {
  /** Whether text longer than its column is cut. */
  readonly cut: boolean;
  /** Styles a cell that already has its width. */
  readonly paint: (cell: string, index: number) => string;
}

/** One line of a table; columns without a width are left out. */
export function tableLine(cells: readonly string[], widths: readonly number[], { cut, paint }: TableStyle): string {
  const shown = widths.map((width, index) => {
    const cell = cells[index] ?? '';
    const fitting = cut ? cutTo(cell, width) : cell;
    // Padding after the last column would only wrap lines.
    return paint(index === widths.length - 1 ? fitting : padTo(fitting, width), index);
  });
  return shown.join(GAP);
}
