import type { CountedRow, JournalChange } from './types.ts';

/** A change whose appended lines are joined already: one text crosses to the writer's thread faster than many. */
export type StoredChange = Omit<JournalChange, 'append'> & { readonly append?: string };

/** Most characters of appends that share a row. */
export const ROW_LENGTH = 128 * 1024;

/** Bytes that a change brings from outside. */
export function newBytesOf({ append = '', hold = [], count = [] }: StoredChange): number {
  return Buffer.byteLength(append) + newBytes(hold) + bytesOf(count);
}

/** Bytes that a change moves within the journal: they exist twice until history drops the first copy. */
export function movedBytesOf({ holdEvents = [], reject = [] }: StoredChange): number {
  const held = holdEvents.reduce((sum, { line }) => sum + Buffer.byteLength(line), 0);
  return reject.reduce((sum, { record }) => sum + Buffer.byteLength(record), held);
}

type NewHeld = NonNullable<StoredChange['hold']>[number];

/** Bytes of lines to hold. */
export function newBytes(hold: readonly NewHeld[]): number {
  return hold.reduce((sum, { line }) => sum + Buffer.byteLength(line), 0);
}

/** Bytes of lines to count. */
export function bytesOf(rows: readonly CountedRow[]): number {
  return rows.reduce((sum, { line }) => sum + Buffer.byteLength(line), 0);
}

/** Whether a change may share a row with similar changes. */
export function onlyAppends(change: StoredChange): change is { readonly append: string } {
  return change.append !== undefined && Object.keys(change).length === (change.keys === undefined ? 1 : 2);
}

/** The rows of an append; a reader loads one at a time. */
export function rowsOf(append: string | undefined): readonly Uint8Array[] {
  if (append === undefined) return [];
  if (append.length <= ROW_LENGTH) return [Buffer.from(append)];
  const rows: Uint8Array[] = [];
  for (let from = 0; from < append.length;) {
    const fits = from + ROW_LENGTH >= append.length ? append.length : append.lastIndexOf('\n', from + ROW_LENGTH);
    const to = fits > from ? fits : append.indexOf('\n', from);
    const end = to === -1 ? append.length : to;
    rows.push(Buffer.from(append.slice(from, end)));
    from = end + 1;
  }
  return rows;
}
