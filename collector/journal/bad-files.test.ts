import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, test } from 'vitest';
import { openDayKeys } from '../intake/day-keys.ts';
import { openKeyStore } from '../keys/store.ts';
import { lockDataDir } from './data-dir.ts';
import { openJournal, openJournalReader, type Journal, type JournalOptions } from './journal.ts';
import { describeLoss } from './mark.ts';

let parent: string;
let dir: string;
const open: Journal[] = [];

beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), 'clowder-otel-bad-files-'));
  dir = join(parent, 'data');
  mkdirSync(dir);
});

afterEach(async () => {
  for (const journal of open.splice(0)) await journal.close();
  rmSync(parent, { recursive: true, force: true });
});

async function journalOf(options: Partial<JournalOptions> = {}): Promise<Journal> {
  const journal = await openJournal({ dir, maxBytes: 1_000_000, ...options });
  open.push(journal);
  return journal;
}

describe('a DATA_DIR removed while the collector runs', () => {
  test('stops the journal from accepting anything, and is reported', async () => {
    const journal = await journalOf();
    await journal.write({ append: ['1'] });
    rmSync(dir, { recursive: true });
    expect(journal.stats().refusal).toMatchObject({
      code: 'journal_unavailable',
      message: expect.stringContaining('no longer in DATA_DIR') as string,
    });
    await expect(journal.write({ append: ['2'] })).rejects.toMatchObject({ code: 'journal_unavailable', status: 503 });
  });

  test('counts as removed if another journal is in its place', async () => {
    const journal = await journalOf();
    rmSync(dir, { recursive: true });
    mkdirSync(dir);
    writeFileSync(join(dir, 'journal.db'), '');
    await expect(journal.write({ append: ['2'] })).rejects.toMatchObject({ code: 'journal_unavailable' });
  });

  test('counts as removed if only the WAL is, as that has the latest writes', async () => {
    const journal = await journalOf();
    await journal.write({ append: ['1'] });
    rmSync(join(dir, 'journal.db-wal'));
    expect(journal.stats().refusal).toMatchObject({ code: 'journal_unavailable' });
    await expect(journal.write({ append: ['2'] })).rejects.toMatchObject({ code: 'journal_unavailable' });
  });
});

describe('a damaged file is named, with what to do', () => {
  it('the journal, if it is not a database', async () => {
    writeFileSync(join(dir, 'journal.db'), 'this is no database, and has not been one for some time'.repeat(100));
    await expect(journalOf()).rejects.toThrow(
      `${join(dir, 'journal.db')} is damaged (file is not a database). Stop the collector and copy journal.db and journal.db-wal to a safe place`,
    );
  });

  it('the journal, if part of it was overwritten', async () => {
    const first = await journalOf();
    for (let n = 0; n < 200; n += 1) await first.write({ append: [JSON.stringify('x'.repeat(1000))] });
    await first.close();
    const path = join(dir, 'journal.db');
    const { size } = statSync(path);
    truncateSync(path, 3 * 4096);
    truncateSync(path, size);
    const read = async (): Promise<unknown> => {
      const journal = await journalOf();
      return [...journal.scan({ direction: 'asc' })];
    };
    await expect(read()).rejects.toThrow(/journal\.db is damaged \(.*malformed.*\)\. Stop the collector and copy/);
  });

  it('the keys', () => {
    writeFileSync(join(dir, 'keys.db'), 'no database'.repeat(100));
    expect(() => openKeyStore(dir)).toThrow(
      /keys\.db is damaged \(file is not a database\)\. Stop the collector and move keys\.db, .* away; then make the keys anew/,
    );
  });

  it('the lock', () => {
    writeFileSync(join(dir, 'lock.db'), 'no database'.repeat(100));
    expect(() => lockDataDir(dir)).toThrow(/lock\.db is damaged .* delete it: it is made again/);
  });
});

describe('something else in place of one of our files', () => {
  const opened: Record<string, () => Promise<unknown>> = {
    'journal.db': () => journalOf(),
    'journal.db-wal': () => journalOf(),
    'journal.mark': () => journalOf(),
    'keys.db': () => Promise.resolve(openKeyStore(dir)),
    'keys.db-shm': () => Promise.resolve(openKeyStore(dir)),
    'client-id-keys.json': () => Promise.resolve(openDayKeys(dir)),
    ballast: () => Promise.resolve(lockDataDir(dir)),
    'lock.db': () => Promise.resolve(lockDataDir(dir)),
    '.writable': () => Promise.resolve(lockDataDir(dir)),
  };

  it('is reported even if the journal is only read', () => {
    mkdirSync(join(dir, 'journal.db'));
    expect(() => openJournalReader(dir)).toThrow(`${join(dir, 'journal.db')} is a directory, and not a file`);
  });

  it('is reported only to the caller that opens the journal', async () => {
    mkdirSync(join(dir, 'journal.db'));
    const told: Error[] = [];
    await expect(journalOf({ onFatal: (error) => void told.push(error) })).rejects.toThrow('is a directory');
    expect(told).toEqual([]);
  });

  it.each(Object.keys(opened))('is named if it is a directory in place of %s, with what to do', async (name) => {
    mkdirSync(join(dir, name));
    await expect((async () => opened[name]?.())()).rejects.toThrow(
      `${join(dir, name)} is a directory, and not a file: move it away; the file is made anew`,
    );
  });

  it('is named if it is a file that cannot be opened', async () => {
    const path = join(dir, 'journal.db');
    symlinkSync(path, path);
    await expect(journalOf()).rejects.toThrow(
      new RegExp(
        `^${path} cannot be opened \\(ELOOP.*\\): let the user of this process read and write it, or move it away$`,
      ),
    );
  });
});

describe('a journal with a truncated WAL', () => {
  it('says how many batches may be missing, and from when', async () => {
    const first = await journalOf();
    for (let n = 0; n < 20; n += 1) await first.write({ append: [JSON.stringify('x'.repeat(3000))] });
    const copy = join(parent, 'copy');
    cpSync(dir, copy, { recursive: true });
    rmSync(join(copy, 'journal.db-shm'), { force: true });
    const wal = join(copy, 'journal.db-wal');
    truncateSync(wal, Math.floor(statSync(wal).size / 2) + 7);
    const journal = await journalOf({ dir: copy });
    const kept = [...journal.scan({ direction: 'asc' })].length;
    expect(kept).toBeLessThan(20);
    expect(journal.lost).toMatchObject({ batches: 20 - kept });
    await journal.write({ append: ['1'] });
    await journal.close();
    expect((await journalOf({ dir: copy })).lost).toBeUndefined();
  });

  it('is not reported for a collector that was killed, a new journal, or events that were published and deleted', async () => {
    const first = await journalOf({ retentionMs: -1 });
    expect(first.lost).toBeUndefined();
    for (let row = 1; row < 5; row += 1) await first.write({ append: ['1'], cursor: { row, index: 1 } });
    const killed = join(parent, 'killed');
    cpSync(dir, killed, { recursive: true });
    await first.close();
    expect((await journalOf()).lost).toBeUndefined();
    expect((await journalOf({ dir: killed })).lost).toBeUndefined();
  });

  it('is described in words', () => {
    expect(describeLoss({ batches: 3, sinceMs: 0, untilMs: 1000 })).toMatch(
      /^The journal was cut, .*: 3 batches of events are missing, accepted after 1970-01-01T00:00:00\.000Z and up to 1970-01-01T00:00:01\.000Z/,
    );
  });
});

it('files in DATA_DIR are readable only for this user, however old they are', async () => {
  const lock = lockDataDir(dir);
  const keys = openKeyStore(dir);
  const first = await journalOf();
  await first.write({ append: ['1'] });
  const files = (): string[] => readdirSync(dir);
  const modes = (): string[] => files().map((name) => (statSync(join(dir, name)).mode & 0o777).toString(8));
  expect(files()).toEqual(
    expect.arrayContaining([
      'journal.db',
      'journal.db-wal',
      'keys.db',
      'lock.db',
      'ballast',
      'collector.pid',
      '.writable',
    ]),
  );
  expect(new Set(modes())).toEqual(new Set(['600']));
  keys.close();
  await first.close();
  lock.release();
  for (const name of files()) chmodSync(join(dir, name), 0o664);
  const again = lockDataDir(dir);
  const more = openKeyStore(dir);
  await (await journalOf()).write({ append: ['2'] });
  expect(modes()).toEqual(files().map(() => '600'));
  expect(existsSync(join(dir, 'journal.db'))).toBe(true);
  more.close();
  again.release();
});
