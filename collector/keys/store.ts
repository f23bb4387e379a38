import { hash, randomBytes, timingSafeEqual } from 'node:crypto';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { KEYS_CURE, naming } from '../journal/damage.ts';
import { makePrivate } from '../journal/private-file.ts';

export const SCOPES = ['ingest', 'read', 'browser'] as const;
export type Scope = (typeof SCOPES)[number];

export interface ApiKey {
  readonly id: string;
  readonly name: string;
  readonly scopes: readonly Scope[];
  /** Requests a second. */
  readonly ratePerS: number;
  readonly createdAtMs: number;
  readonly revokedAtMs: number | undefined;
}

export interface KeyStore {
  /** The key itself is in the answer and nowhere else. */
  add(wanted: { name: string; scopes: readonly Scope[]; ratePerS: number }): { id: string; key: string };
  list(): readonly ApiKey[];
  /** Whether no key was ever made. */
  isEmpty(): boolean;
  /** By id or name; false where there is none. */
  revoke(idOrName: string): boolean;
  verify(presented: string): ApiKey | 'unknown' | 'revoked';
  close(): void;
}

const KEY = /^clo_([0-9a-f]{12})_[\w-]{43}$/;
/** How often the file is looked at for what another process changed. */
const FRESH_MS = 250;
/** Keys that were found right are recognised without hashing them again, so many at most. */
const RECOGNISED_MAX = 1000;

/** Opens DATA_DIR/keys.db: a file of its own, so that keys can be made and revoked while the collector runs. */
export function openKeyStore(dir: string, now: () => number = Date.now): KeyStore {
  const path = join(dir, 'keys.db');
  makePrivate(path);
  const database = new DatabaseSync(path);
  const named = <T>(use: () => T): T => naming(path, KEYS_CURE, use);
  const exec = (sql: string): void => named(() => database.exec(sql));
  exec(`
    PRAGMA journal_mode = WAL;
    PRAGMA busy_timeout = 5000;
    CREATE TABLE IF NOT EXISTS key (id TEXT PRIMARY KEY, hash TEXT NOT NULL, name TEXT NOT NULL, scopes TEXT NOT NULL, rate REAL NOT NULL, created INTEGER NOT NULL, revoked INTEGER);
  `);
  const all = database.prepare('SELECT * FROM key ORDER BY created, id');
  const insert = database.prepare('INSERT INTO key (id, hash, name, scopes, rate, created) VALUES (?, ?, ?, ?, ?, ?)');
  const strike = database.prepare('UPDATE key SET revoked = ? WHERE (id = ? OR name = ?) AND revoked IS NULL');
  const version = database.prepare('PRAGMA data_version');
  let cached = new Map<string, { key: ApiKey; hash: Buffer }>();
  /** What was presented and found right since the keys were last read. */
  const recognised = new Map<string, ApiKey>();
  let cachedVersion: unknown;
  let checkedAt = Number.NEGATIVE_INFINITY;

  function load(): void {
    recognised.clear();
    cached = new Map(
      named(() => all.all()).map((row) => {
        const key: ApiKey = {
          id: String(row['id']),
          name: String(row['name']),
          scopes: SCOPES.filter((scope) => String(row['scopes']).split(',').includes(scope)),
          ratePerS: Number(row['rate']),
          createdAtMs: Number(row['created']),
          revokedAtMs: row['revoked'] === null ? undefined : Number(row['revoked']),
        };
        return [key.id, { key, hash: Buffer.from(String(row['hash']), 'hex') }];
      }),
    );
  }

  function refresh(): void {
    const time = now();
    if (time - checkedAt < FRESH_MS) return;
    checkedAt = time;
    const current = version.get()?.['data_version'];
    if (current === cachedVersion) return;
    cachedVersion = current;
    load();
  }

  return {
    add: ({ name, scopes, ratePerS }) => {
      const id = randomBytes(6).toString('hex');
      const key = `clo_${id}_${randomBytes(32).toString('base64url')}`;
      insert.run(id, hash('sha256', key, 'hex'), name, scopes.join(','), ratePerS, now());
      load();
      return { id, key };
    },
    list: () => {
      refresh();
      return [...cached.values()].map(({ key }) => key);
    },
    isEmpty: () => {
      refresh();
      return cached.size === 0;
    },
    revoke: (idOrName) => {
      const changed = strike.run(now(), idOrName, idOrName).changes > 0;
      load();
      return changed;
    },
    verify: (presented) => {
      refresh();
      const known = recognised.get(presented);
      if (known !== undefined) return known;
      const entry = cached.get(KEY.exec(presented)?.[1] ?? '');
      const given = hash('sha256', presented, 'buffer');
      if (entry === undefined || !timingSafeEqual(entry.hash, given)) return 'unknown';
      if (entry.key.revokedAtMs !== undefined) return 'revoked';
      if (recognised.size < RECOGNISED_MAX) recognised.set(presented, entry.key);
      return entry.key;
    },
    close: () => database.close(),
  };
}
