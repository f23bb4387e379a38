import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SpoolError } from './spool-file.ts';
import { Spool, type Signal, type SpoolOptions } from './spool.ts';

let dir = '';
let lost: string[] = [];
let spools: Spool[] = [];

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'spool-'));
  lost = [];
  spools = [];
});
afterEach(() => {
  for (const spool of spools) spool.close();
  rmSync(dir, { recursive: true });
});

function open(options: Partial<SpoolOptions> = {}): Spool {
  const spool = new Spool({
    dir,
    maxBytes: 1000,
    onLost: (signal, items, reason) => lost.push(`${items} ${signal}: ${reason}`),
    onDisk: () => undefined,
    ...options,
  });
  spools.push(spool);
  return spool;
}

function close(spool: Spool): void {
  spool.close();
  spools = spools.filter((one) => one !== spool);
}

const body = (text: string, length = text.length): Uint8Array => Buffer.from(text.padEnd(length, '.'));
const taken = (spool: Spool, signal: Signal = 'logs', maxBytes = 1000, maxRows = 100): string[] =>
  spool.take(signal, maxBytes, maxRows).map((row) => Buffer.from(row.body).toString().replace(/\.+$/, ''));

describe('the spool', () => {
  it("gives a signal's requests in the order in which they came, and again until they are removed", () => {
    const spool = open();
    spool.add('logs', 1, body('a'));
    spool.add('metrics', 1, body('m'));
    spool.add('logs', 1, body('b'));
    expect(taken(spool)).toEqual(['a', 'b']);
    expect(taken(spool)).toEqual(['a', 'b']);
    spool.remove(spool.take('logs', 1000, 1));
    expect(taken(spool)).toEqual(['b']);
    expect(taken(spool, 'metrics')).toEqual(['m']);
  });

  it('still has everything after it was closed and opened', () => {
    const first = open();
    first.add('logs', 2, body('a'));
    close(first);
    const second = open();
    expect(taken(second)).toEqual(['a']);
    expect(second.stats).toMatchObject({ rows: 1, bytes: 1 });
    expect(second.take('logs', 1000, 1)[0]?.items).toBe(2);
  });

  it('gives as many as fit, but at least one', () => {
    const spool = open();
    for (const text of ['a', 'b', 'c']) spool.add('logs', 1, body(text, 100));
    expect(taken(spool, 'logs', 250)).toEqual(['a', 'b']);
    expect(taken(spool, 'logs', 50)).toEqual(['a']);
    expect(taken(spool, 'logs', 1000, 2)).toEqual(['a', 'b']);
  });

  it('drops the oldest metrics first when it is full, then the oldest of the rest, and counts them', () => {
    const spool = open();
    spool.add('logs', 1, body('a', 300));
    spool.add('metrics', 7, body('m1', 300));
    spool.add('metrics', 8, body('m2', 300));
    spool.add('logs', 1, body('b', 300));
    expect(lost).toEqual(['7 metrics: the spool is full']);
    spool.add('logs', 1, body('c', 600));
    expect(lost).toEqual(['7 metrics: the spool is full', '8 metrics: the spool is full', '1 logs: the spool is full']);
    expect(taken(spool)).toEqual(['b', 'c']);
    expect(spool.stats).toMatchObject({ rows: 2, bytes: 900 });
  });

  it('refuses a request larger than its limit', () => {
    const spool = open();
    spool.add('logs', 1, body('a', 300));
    spool.add('logs', 5, body('huge', 1001));
    expect(lost).toEqual(['5 logs: larger than the whole spool']);
    expect(taken(spool)).toEqual(['a']);
  });

  it('moves refused requests aside, and keeps the latest hundred', () => {
    const spool = open();
    for (let i = 0; i < 103; i += 1) {
      spool.add('logs', 1, body('x'));
      for (const row of spool.take('logs', 10, 1)) spool.refuse(row, 'HTTP 400', 1000 + i);
    }
    expect(taken(spool)).toEqual([]);
    close(spool);
    expect(open().stats).toMatchObject({ rows: 0, bytes: 0, refused: 100 });
  });

  it('says who else may use the directory, and starts again if the file is damaged', () => {
    const spool = open();
    spool.add('logs', 1, body('a'));
    expect(() => open()).toThrow(SpoolError);
    close(spool);
    writeFileSync(join(dir, 'spool.db'), 'no database at all, but long enough to be read as one'.repeat(100));
    const fresh = open();
    expect(taken(fresh)).toEqual([]);
    fresh.add('logs', 1, body('b'));
    expect(taken(fresh)).toEqual(['b']);
  });

  it('refuses a directory that cannot be made, and names it', () => {
    writeFileSync(join(dir, 'file'), '');
    expect(() => open({ dir: join(dir, 'file', 'spool') })).toThrow(/spool_dir .*file\/spool cannot be used/);
  });

  it('keeps requests in memory while the disk cannot be written, and writes them once it can', () => {
    const states: boolean[] = [];
    const spool = open({ maxBytes: 1e7, maxPages: 8, onDisk: (error) => states.push(error === undefined) });
    let added = 0;
    while (spool.stats.unwritten === 0) spool.add('logs', 1, body(`r${(added += 1)}`, 2000));
    spool.add('logs', 1, body('after', 10));
    expect(states).toEqual([false]);
    expect(spool.stats.unwritten).toBe(2);
    spool.remove(spool.take('logs', 1e7, added - 1));
    expect(taken(spool, 'logs', 1e7)).toEqual([`r${added}`, 'after']);
    spool.add('logs', 1, body('last', 10));
    expect(states).toEqual([false, true]);
    expect(spool.stats.unwritten).toBe(0);
    expect(taken(spool, 'logs', 1e7)).toEqual([`r${added}`, 'after', 'last']);
  });
});
