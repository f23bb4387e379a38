import { describe, expect, test } from 'vitest';
import type { JournalRow } from '../journal/journal.ts';
import { backlogOf } from './backlog.ts';

const row = (number: number, ...lines: readonly string[]): JournalRow => ({ row: number, atMs: number * 1000, lines });
const journalOf =
  (...rows: readonly JournalRow[]) =>
  (afterRow: number) =>
    rows.filter((one) => one.row > afterRow);

describe('the backlog', () => {
  test('is everything behind the cursor, within its row and after it', () => {
    const read = journalOf(row(1, 'a', 'b'), row(2, 'c', 'd', 'e'), row(3, 'f'));
    expect(backlogOf(read, { row: 2, index: 1 }, 3, 10_000)).toEqual({
      events: 3,
      exact: true,
      oldest_s: 8,
      bytes: 3,
    });
  });

  test('is empty if everything is settled, or if there is nothing', () => {
    expect(backlogOf(journalOf(row(1, 'a')), { row: 1, index: 1 }, 0, 10_000)).toMatchObject({
      events: 0,
      oldest_s: null,
    });
    expect(backlogOf(journalOf(), { row: 0, index: 0 }, 0, 10_000)).toMatchObject({ events: 0, oldest_s: null });
  });

  test('is estimated from its bytes if it is too large to count, and says so', () => {
    const line = 'x'.repeat(1024);
    const read = (_: number, maxBytes: number) => [row(1, ...Array.from({ length: maxBytes / 1024 }, () => line))];
    const bytes = 100 * 1024 * 1024;
    expect(backlogOf(read, { row: 0, index: 0 }, bytes, 1000)).toMatchObject({ events: bytes / 1024, exact: false });
  });
});
