import { cutTo, padTo, widthOf } from './terminal-text.ts';

/** Between two columns. */
const GAP = '  ';
/** A column this narrow is shown whole: times, and ids of Clowder, are of no use in part. */
const WHOLE = 24;
/** A column that is cut to less says nothing. */
const LEAST = 8;

/**
 * How wide each column of a table is that must fit into so many cells. The first columns count most: those at the end
 * for which there is no room have no width and are left out.
 *
 * @param natural the widths that the columns would have
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

/** What is left goes to the columns that want more, evenly. */
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

/** The widths that these columns would have with these rows, and at least those that they had before. */
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
  /** Whether what is longer than its column is cut. */
  readonly cut: boolean;
  /** How a cell looks, once it has its width. */
  readonly paint: (cell: string, index: number) => string;
}

/** One line of a table; columns without a width are left out. */
export function tableLine(cells: readonly string[], widths: readonly number[], { cut, paint }: TableStyle): string {
  const shown = widths.map((width, index) => {
    const cell = cells[index] ?? '';
    const fitting = cut ? cutTo(cell, width) : cell;
    // Blanks behind the last column would only break lines.
    return paint(index === widths.length - 1 ? fitting : padTo(fitting, width), index);
  });
  return shown.join(GAP);
}
