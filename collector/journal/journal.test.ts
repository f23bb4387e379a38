import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  openJournal,
  openJournalReader,
  type HeldEvent,
  type HeldLine,
  type Journal,
  type JournalOptions,
} from './journal.ts';

let dir: string;
let open: Journal[];

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'clowder-otel-journal-'));
  open = [];
});

afterEach(async () => {
  for (const journal of open) await journal.close();
  rmSync(dir, { recursive: true, force: true });
});

async function journalOf(options: Partial<JournalOptions> = {}): Promise<Journal> {
  const journal = await openJournal({ dir, maxBytes: 1_000_000, ...options });
  open.push(journal);
  return journal;
}

/** A line of exactly this many bytes. */
const lineOf = (bytes: number): string => JSON.stringify('x'.repeat(bytes - 2));
const held = (line: string, reason: HeldLine['reason'] = 'waiting'): Omit<HeldLine, 'id'> => ({
  line,
  dueMs: 5,
  reason,
  attempts: 1,
});
const heldEvent = (line: string): Omit<HeldEvent, 'id'> => ({ reason: 'unroutable', type: 't', sinceMs: 7, line });
const rejection = (record: string) => ({ atMs: 1, code: 'bad', message: 'It is bad', record, origin: 'api' });
const linesIn = (rows: Iterable<{ lines: readonly string[] }>): string[] => [...rows].flatMap(({ lines }) => lines);

describe('reading', () => {
  it('gives the rows back in order, as many as fit and at least one', async () => {
    const journal = await journalOf();
    for (const line of ['"a"', '"b"', '"c"']) await journal.write({ append: [line, '"é😀"'] });
    expect(journal.read(0, 1).map((row) => row.row)).toEqual([1]);
    expect(linesIn(journal.read(1, 1_000_000))).toEqual(['"b"', '"é😀"', '"c"', '"é😀"']);
    expect(journal.read(3, 1)).toEqual([]);
  });

  it('keeps large changes whole', async () => {
    const journal = await journalOf({ maxBytes: 10_000_000 });
    const lines = [lineOf(1_000_000), lineOf(10), lineOf(2_000_000)];
    await journal.write({ append: lines });
    expect(linesIn(journal.read(0, 10_000_000))).toEqual(lines);
  });

  it('gives a large change back in rows that are each little work, with its keys once', async () => {
    const journal = await journalOf({ maxBytes: 10_000_000 });
    const lines = Array.from({ length: 5000 }, (_, index) => JSON.stringify(`${index}`.padEnd(200, 'é')));
    await journal.write({ append: lines, keys: ['one', 'two'] });
    await journal.write({ append: ['"next"'] });
    const rows = [...journal.scan({ direction: 'asc' })];
    expect(linesIn(rows)).toEqual([...lines, '"next"']);
    expect(Math.max(...rows.map((row) => row.lines.join('\n').length))).toBeLessThanOrEqual(128 * 1024);
    expect(rows.flatMap(({ keys = [] }) => keys)).toEqual(['one', 'two']);
    expect(journal.stats().bytes).toBe(rows.reduce((sum, row) => sum + Buffer.byteLength(row.lines.join('\n')), 0));
  });

  it('pages through the history both ways, from a row and from a time', async () => {
    const journal = await journalOf();
    for (let n = 0; n < 120; n += 1) await journal.write({ append: [String(n)] });
    const all = Array.from({ length: 120 }, (_, n) => String(n));
    expect(linesIn(journal.scan({ direction: 'asc' }))).toEqual(all);
    expect(linesIn(journal.scan({ direction: 'desc' }))).toEqual(all.toReversed());
    expect(linesIn(journal.scan({ direction: 'asc', fromRow: 118 }))).toEqual(['118', '119']);
    expect(linesIn(journal.scan({ direction: 'desc', fromRow: 3 }))).toEqual(['1', '0']);
    expect(linesIn(journal.scan({ direction: 'asc', sinceMs: Date.now() + 60_000 }))).toEqual([]);
  });

  it('is possible for another connection besides the writer, and after the writer closed', async () => {
    const journal = await journalOf();
    const reader = openJournalReader(dir);
    await journal.write({ append: ['"a"'], reject: [rejection('1')] });
    expect(linesIn(reader.read(0, 1))).toEqual(['"a"']);
    expect(reader.rejected().map((one) => one.record)).toEqual(['1']);
    reader.close();
    await journal.close();
    const later = openJournalReader(dir);
    expect(linesIn(later.scan({ direction: 'asc' }))).toEqual(['"a"']);
    later.close();
  });
});

describe('writing', () => {
  it('commits waiting changes together, and wakes the publisher', async () => {
    const journal = await journalOf();
    let woken = 0;
    journal.onAppended(() => (woken += 1));
    await Promise.all(Array.from({ length: 1000 }, (_, n) => journal.write({ append: [String(n)] })));
    expect(journal.stats().commits).toBeLessThan(200);
    expect(woken).toBeGreaterThan(0);
    expect(linesIn(journal.read(0, 1_000_000))).toEqual(Array.from({ length: 1000 }, (_, n) => String(n)));
  });

  it('puts small appends into one row, and refuses only those that do not fit', async () => {
    const journal = await journalOf({ maxBytes: 1000 });
    const writes = [200, 300, 900, 100].map((bytes) => journal.write({ append: [lineOf(bytes)] }));
    const outcomes = await Promise.allSettled(writes);
    expect(outcomes.map((outcome) => outcome.status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'fulfilled']);
    expect(linesIn(journal.read(0, 10_000)).map((line) => line.length)).toEqual([200, 300, 100]);
    await Promise.all([journal.write({ append: ['1', '2'] }), journal.write({ append: ['3'] })]);
    expect(journal.read(3, 10_000)).toMatchObject([{ lines: ['1', '2', '3'] }]);
  });

  it('keeps cursor, held lines and rejected records over a restart', async () => {
    const first = await journalOf();
    const { heldIds } = await first.write({
      append: ['1', '2'],
      hold: [held('"w"')],
      holdEvents: [heldEvent('"u"'), heldEvent('"v"')],
      reject: [rejection('1'), rejection('2')],
    });
    await first.write({
      cursor: { row: 1, index: 1 },
      releaseEvents: [1],
      unreject: [1],
    });
    const before = first.stats();
    await first.close();

    const second = await journalOf();
    expect(second.cursor).toEqual({ row: 1, index: 1 });
    expect(second.held('waiting')).toEqual([{ id: heldIds[0], ...held('"w"') }]);
    const left = { id: 2, ...heldEvent('"v"') };
    expect(second.heldEvents({ reason: 'unroutable', types: ['t'], limit: 10 })).toEqual([left]);
    expect(second.heldGroups()).toEqual([{ reason: 'unroutable', type: 't', events: 1, oldest: left }]);
    expect(second.rejected().map((one) => one.record)).toEqual(['2']);
    expect({ ...second.stats(), commits: 0 }).toEqual({ ...before, commits: 0 });
  });

  it('keeps events that no broker accepts, however many invalid ones are rejected, and counts them as not published', async () => {
    const journal = await journalOf({ rejectedMax: 3 });
    const event = (record: string) => ({ ...rejection(record), code: 'unpublishable' });
    await journal.write({ reject: [event('"a"'), event('"b"')] });
    await journal.write({ reject: ['1', '2', '3', '4', '5'].map(rejection) });
    expect(journal.rejected().map(({ record }) => record)).toEqual(['"a"', '"b"', '3', '4', '5']);
    expect(journal.stats()).toMatchObject({ rejected: 5, unpublishable: 2, backlogBytes: 6 });
    await journal.write({ unreject: [1] });
    expect(journal.stats()).toMatchObject({ rejected: 4, unpublishable: 1, backlogBytes: 3 });
    await journal.close();
    expect((await journalOf({ rejectedMax: 3 })).stats()).toMatchObject({
      rejected: 4,
      unpublishable: 1,
      backlogBytes: 3,
    });
  });

  it('finds the events that an earlier version held, and their types', async () => {
    await (await journalOf()).close();
    const database = new DatabaseSync(join(dir, 'journal.db'));
    const insert = database.prepare('INSERT INTO held (reason, due_ms, attempts, line) VALUES (?, ?, ?, ?)');
    const line = '{"event_id":"x","event":"file.uploaded"}';
    insert.run('unroutable', Number.MAX_SAFE_INTEGER, 3, line);
    insert.run('waiting', 5, 0, '"w"');
    insert.run('unroutable', 7, 1, 'no JSON');
    database.close();
    const before = Date.now();
    const journal = await journalOf();
    const [first, second] = journal.heldGroups().toSorted((a, b) => a.oldest.id - b.oldest.id);
    expect([first?.oldest, second?.oldest]).toMatchObject([
      { reason: 'unroutable', type: 'file.uploaded', line },
      { reason: 'unroutable', type: '', sinceMs: 7, line: 'no JSON' },
    ]);
    expect(first?.oldest.sinceMs).toBeLessThanOrEqual(Date.now());
    expect(first?.oldest.sinceMs).toBeGreaterThanOrEqual(before);
    expect(journal.held('waiting')).toHaveLength(1);
    expect(journal.stats().backlogBytes).toBe(line.length + 'no JSON'.length + '"w"'.length);
  });

  it('finishes what was written before close, and refuses later writes', async () => {
    const journal = await journalOf();
    const writes = Promise.all(Array.from({ length: 50 }, (_, n) => journal.write({ append: [String(n)] })));
    await journal.close();
    await writes;
    await expect(journal.write({ append: ['1'] })).rejects.toMatchObject({ code: 'journal_unavailable' });
    expect(linesIn((await journalOf()).read(0, 1_000_000))).toHaveLength(50);
  });

  it('keeps only the newest rejected records, even if some were taken out', async () => {
    const journal = await journalOf({ rejectedMax: 3 });
    await journal.write({ reject: ['1', '2', '3'].map(rejection) });
    await journal.write({ unreject: [2] });
    await journal.write({ reject: ['4', '5'].map(rejection) });
    expect(journal.rejected().map((one) => one.record)).toEqual(['3', '4', '5']);
    expect(journal.stats().rejected).toBe(3);
  });
});

describe('the size limit', () => {
  it('refuses appends when unpublished events fill it, accepts the rest of the commit, and frees with the cursor', async () => {
    const journal = await journalOf({ maxBytes: 1000 });
    const outcomes = await Promise.allSettled(
      [600, 600, 300].map((bytes) => journal.write({ append: [lineOf(bytes)] })),
    );
    expect(outcomes.map((outcome) => outcome.status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    await expect(journal.write({ append: [lineOf(200)], reject: [rejection('1')] })).rejects.toMatchObject({
      code: 'journal_full',
      status: 503,
    });
    expect(journal.rejected()).toEqual([]);

    await journal.write({
      reject: [rejection('2')],
      holdEvents: [heldEvent(lineOf(300))],
      cursor: { row: 1, index: 1 },
    });
    await journal.write({ append: [lineOf(200)] });
    expect(journal.stats().backlogBytes).toBe(800);
  });

  it('reports that new events are refused, until there is room again', async () => {
    const journal = await journalOf({ maxBytes: 1000 });
    await journal.write({ append: [lineOf(600)] });
    expect(journal.stats().refusal).toBeUndefined();
    await expect(journal.write({ append: [lineOf(500)] })).rejects.toMatchObject({ code: 'journal_full' });
    await journal.write({ reject: [rejection('1')] });
    expect(journal.stats().refusal).toMatchObject({ code: 'journal_full' });
    await journal.write({ cursor: { row: 1, index: 1 } });
    expect(journal.stats().refusal).toBeUndefined();
  });

  it('does not report a single batch that can never fit, which concerns only its sender', async () => {
    const journal = await journalOf({ maxBytes: 1000 });
    await expect(journal.write({ append: [lineOf(1001)] })).rejects.toMatchObject({
      code: 'batch_too_large',
      status: 413,
      message: 'The batch takes 1001 bytes in the journal, JOURNAL_MAX_BYTES is 1000: send fewer events at once',
    });
    expect(journal.stats().refusal).toBeUndefined();
    await journal.write({ append: [lineOf(1000)] });
  });

  it('counts nothing as backlog once every line is settled, even after a restart', async () => {
    const first = await journalOf({ maxBytes: 1000 });
    await first.write({ append: [lineOf(400), lineOf(200)] });
    await first.write({ cursor: { row: 1, index: 1 } });
    expect(first.stats().backlogBytes).toBe(601);
    await first.write({ cursor: { row: 1, index: 2 } });
    expect(first.stats().backlogBytes).toBe(0);
    await first.close();
    const second = await journalOf({ maxBytes: 1000 });
    expect(second.stats().backlogBytes).toBe(0);
    await second.write({ append: [lineOf(900)] });
  });

  it('allows a full journal to publish its own waiting lines', async () => {
    const journal = await journalOf({ maxBytes: 1000 });
    const { heldIds } = await journal.write({ hold: [held(lineOf(900))] });
    await expect(journal.write({ hold: [held(lineOf(900))] })).rejects.toMatchObject({ code: 'journal_full' });
    await journal.write({ append: [lineOf(900)], unhold: heldIds });
    expect(journal.held('waiting')).toEqual([]);
  });

  it('keeps counted lines until they are deleted, within the limit and apart from the backlog', async () => {
    const first = await journalOf({ maxBytes: 1000 });
    await first.write({ count: [{ id: 7, line: lineOf(400) }], append: [lineOf(100)] });
    await first.write({ count: [{ id: 3, line: lineOf(300) }] });
    await expect(first.write({ append: [lineOf(300)] })).rejects.toMatchObject({ code: 'journal_full' });
    await expect(first.write({ count: [{ id: 8, line: lineOf(300) }] })).rejects.toMatchObject({
      code: 'journal_full',
    });
    await first.close();
    const second = await journalOf({ maxBytes: 1000 });
    expect(second.counted().map(({ id, line }) => [id, line.length])).toEqual([
      [3, 300],
      [7, 400],
    ]);
    expect(second.stats()).toMatchObject({ bytes: 800, backlogBytes: 100 });
    await second.write({ append: [lineOf(400)], uncount: [7] });
    expect(second.counted()).toHaveLength(1);
    expect(second.stats()).toMatchObject({ bytes: 800, backlogBytes: 500 });
  });

  it('keeps remembered keys within the limit and apart from the backlog, even after a restart', async () => {
    const first = await journalOf({ maxBytes: 1000 });
    const { heldIds } = await first.write({ append: [lineOf(100)], hold: [held(lineOf(800), 'remembered')] });
    expect(first.stats()).toMatchObject({ bytes: 900, backlogBytes: 100 });
    await expect(first.write({ hold: [held(lineOf(300), 'remembered')] })).rejects.toMatchObject({
      code: 'journal_full',
    });
    await first.close();
    const second = await journalOf({ maxBytes: 1000 });
    expect(second.stats()).toMatchObject({ bytes: 900, backlogBytes: 100 });
    expect([second.held('remembered').length, second.held('waiting')]).toEqual([1, []]);
    await second.write({ unhold: heldIds });
    expect(second.stats()).toMatchObject({ bytes: 100, backlogBytes: 100 });
  });

  it('counts bytes, not characters', async () => {
    const journal = await journalOf();
    const line = JSON.stringify('é😀'.repeat(10));
    const { heldIds } = await journal.write({ hold: [held(line)] });
    expect(journal.stats().backlogBytes).toBe(Buffer.byteLength(line));
    await journal.write({ unhold: heldIds });
    expect(journal.stats().backlogBytes).toBe(0);
  });

  it('deletes the oldest history, and never unpublished events', async () => {
    const journal = await journalOf({ maxBytes: 20_000 });
    for (let round = 0; round < 10; round += 1) {
      for (let n = 0; n < 15; n += 1) await journal.write({ append: [lineOf(1000)] });
      await journal.write({ cursor: { row: journal.stats().lastRow, index: 1 } });
    }
    expect(journal.stats().bytes).toBeLessThanOrEqual(20_000);
    const rows = [...journal.scan({ direction: 'asc' })].map((row) => row.row);
    expect(rows.at(-1)).toBe(150);
    expect(rows.length).toBeGreaterThan(10);
  });

  it('deletes history that is older than the retention', async () => {
    const journal = await journalOf({ retentionMs: -1 });
    await journal.write({ append: ['1'] });
    await journal.write({ append: ['2'] });
    expect(linesIn(journal.read(0, 1000))).toEqual(['1', '2']);
    await journal.write({ cursor: { row: 1, index: 1 } });
    expect(linesIn(journal.read(0, 1000))).toEqual(['2']);
  });

  it('keeps history that is older than the retention for a follower that has not read it yet', async () => {
    const journal = await journalOf({ retentionMs: -1, followed: true });
    await journal.write({ append: ['1'] });
    await journal.write({ append: ['2'] });
    await journal.write({ cursor: { row: 2, index: 1 } });
    expect(linesIn(journal.read(0, 1000))).toEqual(['1', '2']);
    await journal.write({ followed: 1 });
    expect(linesIn(journal.read(0, 1000))).toEqual(['2']);
  });

  it('deletes history that a follower has not read before it refuses new events', async () => {
    const journal = await journalOf({ maxBytes: 100, followed: true });
    await journal.write({ append: [lineOf(60)] });
    await journal.write({ cursor: { row: 1, index: 1 } });
    await journal.write({ append: [lineOf(61)] });
    expect(linesIn(journal.read(0, 1000))).toEqual([lineOf(61)]);
  });
});

describe('a full disk', () => {
  it('refuses what does not fit whole, keeps the rest, and accepts more as soon as something was published', async () => {
    const journal = await journalOf({ maxBytes: 1_000_000_000, maxPages: 100 });
    const written: string[] = [];
    const fill = async (): Promise<unknown> => {
      try {
        for (;;) {
          const line = lineOf(20_000 + written.length);
          await journal.write({ append: [line] });
          written.push(line);
        }
      } catch (error) {
        return error;
      }
    };
    expect(await fill()).toMatchObject({ code: 'journal_unavailable', status: 503 });
    expect(linesIn(journal.read(0, 10_000_000))).toEqual(written);
    expect(journal.stats().refusal).toMatchObject({ code: 'journal_unavailable' });

    await journal.write({ cursor: { row: 3, index: 1 } });
    const outcomes = await Promise.allSettled(
      [lineOf(20_000), lineOf(900_000), lineOf(30)].map((line) => journal.write({ append: [line] })),
    );
    expect(outcomes.map((outcome) => outcome.status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(linesIn(journal.read(3, 10_000_000)).slice(0, written.length - 3)).toEqual(written.slice(3));
  });

  it('deletes no more history than new events need', async () => {
    const journal = await journalOf({ maxBytes: 1_000_000_000, maxPages: 300 });
    for (let row = 1; row <= 80; row += 1) {
      await journal.write({ append: [lineOf(20_000)] });
      await journal.write({ cursor: { row, index: 1 } });
    }
    const rows = [...journal.scan({ direction: 'asc' })].map((one) => one.row);
    expect(rows.at(-1)).toBe(80);
    expect(rows.length).toBeGreaterThan(40);
  });
});

it('the journal refuses to open a missing directory', async () => {
  await expect(openJournal({ dir: join(dir, 'missing'), maxBytes: 1000 })).rejects.toThrow(/no such file or directory/);
});
