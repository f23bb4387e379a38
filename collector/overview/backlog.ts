import type { Cursor, JournalRow } from '../journal/journal.ts';

/** What is journaled and not settled yet. */
export interface BacklogState {
  readonly events: number;
  /** False where there are too many to count: then `events` is worked out from their bytes. */
  readonly exact: boolean;
  /** Since when the oldest waits, seconds; null where none does. */
  readonly oldest_s: number | null;
  readonly bytes: number;
}

/** What is counted line by line: some milliseconds. */
const COUNTED_BYTES = 4 * 1024 * 1024;

/**
 * @param read rows after that one
 * @param settled all before it is published, held or set aside
 * @param bytes of what is not
 */
export function backlogOf(
  read: (afterRow: number, maxBytes: number) => readonly JournalRow[],
  settled: Cursor,
  bytes: number,
  nowMs: number,
): BacklogState {
  const rows = read(Math.max(0, settled.row - 1), COUNTED_BYTES);
  let [events, counted] = [0, 0];
  let oldestMs: number | undefined;
  for (const { row, atMs, lines } of rows) {
    const open = row === settled.row ? lines.slice(settled.index) : lines;
    if (open.length === 0) continue;
    oldestMs ??= atMs;
    events += open.length;
    counted += open.reduce((sum, line) => sum + line.length, 0);
  }
  const exact = counted < COUNTED_BYTES * 0.9 || bytes <= counted * 1.1;
  return {
    events: exact || counted === 0 ? events : Math.round((events * bytes) / counted),
    exact,
    oldest_s: oldestMs === undefined ? null : Math.max(0, Math.round((nowMs - oldestMs) / 1000)),
    bytes,
  };
}
