type Cell = string | number | boolean | null | undefined;

/** Rows as CSV with a header line. */
export function csvOf(columns: readonly string[], rows: readonly Readonly<Record<string, Cell>>[]): string {
  return [columns, ...rows.map((row) => columns.map((column) => row[column]))].map(csvLine).join('');
}

/** One row, with the end of its line. */
export const csvLine = (cells: readonly Cell[]): string => `${cells.map(cell).join(',')}\r\n`;

/** Quoted as in RFC 4180. Text that a spreadsheet would take for a formula gets an apostrophe. */
function cell(value: Cell): string {
  if (typeof value !== 'string') return value === undefined || value === null ? '' : String(value);
  const safe = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
