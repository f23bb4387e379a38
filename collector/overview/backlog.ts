import type { Cursor, JournalRow } from '../journal/journal.ts';

/** The events that are journaled but not settled yet. */
export interface BacklogState {
  readonly events: number;
  /** False if there are too many to count; `events` is then estimated from their bytes. */
  readonly exact: boolean;
  /** How long the oldest has waited, in seconds; null if none waits. */
  readonly oldest_s: number | null;
  readonly bytes: number;
}

/** Bytes that are counted line by line: a few milliseconds. */
const COUNTED_BYTES = 4 * 1024 * 1024;

/**
 * @param read gives the rows after `afterRow`
 * @param settled everything before it is published, held or set aside
 * @param bytes size of the events that are not settled
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
