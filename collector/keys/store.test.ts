import { hash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openKeyStore, type KeyStore } from './store.ts';

let dir: string;
let time: number;
const stores: KeyStore[] = [];

function open(): KeyStore {
  const store = openKeyStore(dir, () => time);
  stores.push(store);
  return store;
}

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'clowder-otel-keys-'));
  time = 1_790_000_000_000;
});

afterEach(() => {
  for (const store of stores.splice(0)) store.close();
  rmSync(dir, { recursive: true });
});

const script = { name: 'script', scopes: ['ingest'], ratePerS: 50 } as const;

describe('the scope capture', () => {
  test('is given to keys that could ingest before the scope existed, and to none made later', () => {
    const former = open().add(script);
    const reader = open().add({ ...script, name: 'reader', scopes: ['read'] });
    const database = new DatabaseSync(join(dir, 'keys.db'));
    database.exec('PRAGMA user_version = 0');
    database.close();
    const store = open();
    expect(store.verify(former.key)).toMatchObject({ scopes: ['ingest', 'capture'] });
    expect(store.verify(reader.key)).toMatchObject({ scopes: ['read'] });
    const later = store.add({ ...script, name: 'later' });
    for (const one of [store, open()])
      expect([former, reader, later].map(({ key }) => one.verify(key))).toMatchObject([
        { scopes: ['ingest', 'capture'] },
        { scopes: ['read'] },
        { scopes: ['ingest'] },
      ]);
  });
});

describe('a key', () => {
  test('contains its id and 256 random bits', () => {
    const { id, key } = open().add(script);
    expect(key).toMatch(/^clo_[0-9a-f]{12}_[A-Za-z0-9_-]{43}$/);
    expect(key.split('_')[1]).toBe(id);
    expect(Buffer.from(key.slice(-43), 'base64url')).toHaveLength(32);
  });

  test('differs from every other', () => {
    const store = open();
    const made = Array.from({ length: 20 }, (_, index) => store.add({ ...script, name: `script ${index}` }));
    expect(new Set(made.map(({ key }) => key.slice(-43))).size).toBe(20);
    expect(new Set(made.map(({ id }) => id)).size).toBe(20);
  });

  test('is kept only as SHA-256: neither the key nor its random part is in any file', () => {
    const store = open();
    const { key } = store.add(script);
    const files = readdirSync(dir).map((file) => readFileSync(join(dir, file), 'latin1'));
    expect(files.some((content) => content.includes(hash('sha256', key, 'hex')))).toBe(true);
    expect(files.some((content) => content.includes(key.slice(-43)))).toBe(false);
  });

  test('is verified with its name, scopes and rate', () => {
    const store = open();
    const { id, key } = store.add({ name: 'both', scopes: ['ingest', 'read'], ratePerS: 7 });
    expect(store.verify(key)).toEqual({
      id,
      name: 'both',
      scopes: ['ingest', 'read'],
      ratePerS: 7,
      createdAtMs: time,
      revokedAtMs: undefined,
    });
  });

  test('still counts after the file was closed and opened again', () => {
    const { key } = open().add(script);
    expect(open().verify(key)).toMatchObject({ name: 'script' });
  });
});

describe('an unknown key', () => {
  test.each([
    ['nothing', () => ''],
    ['another form', () => 'secret'],
    ['the id alone', (key: string) => key.slice(0, 17)],
    ['a wrong random part', (key: string) => `${key.slice(0, -43)}${'A'.repeat(43)}`],
    ['an id that never existed', (key: string) => `clo_${'0'.repeat(12)}_${key.slice(-43)}`],
    ['one character too many', (key: string) => `${key}A`],
    ['upper case', (key: string) => key.toUpperCase()],
    ['a line feed at its end', (key: string) => `${key}\n`],
    ['1 MiB', () => 'x'.repeat(1024 * 1024)],
  ])('is refused: %s', (_, change) => {
    const store = open();
    const { key } = store.add(script);
    expect(store.verify(change(key))).toBe('unknown');
  });
});

describe('the name of a key', () => {
  test('belongs to one key in use', () => {
    const store = open();
    const { id } = store.add(script);
    expect(() => store.add(script)).toThrow(
      `The key ${id} has the name script: choose another name, or replace that key with "keys rotate script"`,
    );
    expect(store.list()).toHaveLength(1);
  });

  test('is free again once its key is revoked', () => {
    const store = open();
    store.add(script);
    store.revoke('script');
    expect(store.verify(store.add(script).key)).toMatchObject({ name: 'script' });
  });
});

describe('a key for pages', () => {
  const page = {
    name: 'page',
    scopes: ['browser'],
    ratePerS: 50,
    origins: ['https://a.example', 'https://b.example'],
  } as const;

  test('has its origins, and so has its replacement; other keys have none', () => {
    const store = open();
    store.add(page);
    store.add(script);
    store.rotate('page', 0);
    expect(
      open()
        .list()
        .map(({ name, origins }) => [name, origins]),
    ).toEqual(
      expect.arrayContaining([
        ['page', page.origins],
        ['script', undefined],
      ]),
    );
    expect(store.list().filter(({ origins }) => origins?.length === 2)).toHaveLength(2);
  });

  test('can be made in a store of the previous version, which had no origins', () => {
    const before = new DatabaseSync(join(dir, 'keys.db'));
    before.exec(
      'CREATE TABLE key (id TEXT PRIMARY KEY, hash TEXT NOT NULL, name TEXT NOT NULL, scopes TEXT NOT NULL, rate REAL NOT NULL, created INTEGER NOT NULL, revoked INTEGER)',
    );
    before.close();
    const { key } = open().add(page);
    expect(open().verify(key)).toMatchObject({ origins: page.origins });
  });
});

describe('rotating', () => {
  test('makes a key with the same rights, and leaves the old one valid for the given time', () => {
    const store = open();
    const former = store.add({ name: 'both', scopes: ['ingest', 'read'], ratePerS: 7 });
    expect(store.verify(former.key)).toMatchObject({ id: former.id });
    const made = store.rotate('both', 60_000);
    expect(made.former.id).toBe(former.id);
    expect(store.verify(made.key)).toMatchObject({ name: 'both', scopes: ['ingest', 'read'], ratePerS: 7 });
    time += 59_999;
    expect(store.verify(former.key)).toMatchObject({ id: former.id });
    time += 1;
    expect(store.verify(former.key)).toBe('revoked');
    expect(store.verify(made.key)).toMatchObject({ id: made.id });
  });

  test('is by id or name, and the new key keeps the name', () => {
    const store = open();
    const first = store.add(script);
    const second = store.rotate(first.id, 60_000);
    expect(store.rotate('script', 0).former.id).toBe(second.id);
    expect(store.verify(second.key)).toBe('revoked');
  });

  test('says so if the key does not exist', () => {
    expect(() => open().rotate('nobody', 0)).toThrow(
      'No key in use has the id or name nobody: "keys list" shows the keys',
    );
  });
});

describe('revoking', () => {
  test('is distinguished from a key that never existed', () => {
    const store = open();
    const { id, key } = store.add(script);
    expect(store.revoke(id)).toMatchObject({ id, name: 'script' });
    expect(store.verify(key)).toBe('revoked');
  });

  test('says so if the id does not exist or is revoked already', () => {
    const store = open();
    const { id } = store.add(script);
    const none = /^No key in use has the id or name/;
    expect(() => store.revoke('nobody')).toThrow(none);
    store.revoke(id);
    expect(() => store.revoke(id)).toThrow(none);
  });

  test('by name affects no other key', () => {
    const store = open();
    const one = store.add(script);
    const other = store.add({ ...script, name: 'other' });
    store.revoke('script');
    expect(store.verify(one.key)).toBe('revoked');
    expect(store.verify(other.key)).toMatchObject({ name: 'other' });
  });

  test('by a name that several keys have, as an older version allowed, asks for an id and revokes none', () => {
    const store = open();
    const [first, second] = [store.add(script), store.add({ ...script, name: 'other' })];
    const database = new DatabaseSync(join(dir, 'keys.db'));
    database.exec("UPDATE key SET name = 'script'");
    database.close();
    expect(() => store.revoke('script')).toThrow(/^2 keys have the name script: give the id of one: /);
    store.revoke(first.id);
    time += 250;
    expect(store.verify(second.key)).toMatchObject({ id: second.id });
  });

  test('keeps the key in the list, so that a site whose only key is revoked does not become open', () => {
    const store = open();
    const { id } = store.add(script);
    time += 5000;
    store.revoke(id);
    expect(store.list()).toEqual([expect.objectContaining({ id, revokedAtMs: time })]);
  });
});

describe('a store that another process writes to', () => {
  test('sees a new key after at most a quarter of a second', () => {
    const [collector, cli] = [open(), open()];
    expect(collector.list()).toEqual([]);
    const { key } = cli.add(script);
    time += 250;
    expect(collector.verify(key)).toMatchObject({ name: 'script' });
  });

  test('sees a revocation after at most a quarter of a second', () => {
    const [collector, cli] = [open(), open()];
    const { id, key } = cli.add(script);
    expect(collector.verify(key)).toMatchObject({ id });
    cli.revoke(id);
    time += 250;
    expect(collector.verify(key)).toBe('revoked');
  });

  test('does not read the file more often than that', () => {
    const [collector, cli] = [open(), open()];
    expect(collector.list()).toEqual([]);
    const { key } = cli.add(script);
    time += 249;
    expect(collector.verify(key)).toBe('unknown');
  });

  test('sees its own changes at once, and later those of others', () => {
    const [collector, cli] = [open(), open()];
    const own = collector.add(script);
    expect(collector.verify(own.key)).toMatchObject({ id: own.id });
    const theirs = cli.add({ ...script, name: 'theirs' });
    time += 250;
    expect(
      collector
        .list()
        .map(({ name }) => name)
        .toSorted(),
    ).toEqual(['script', 'theirs']);
    expect(collector.verify(theirs.key)).toMatchObject({ name: 'theirs' });
  });
});
