import { hash, randomBytes, timingSafeEqual } from 'node:crypto';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { KEYS_CURE, naming } from '../journal/damage.ts';
import { opening } from '../journal/no-room.ts';
import { makePrivate } from '../journal/private-file.ts';

/**
 * `capture`: beside `ingest`, for programs that capture requests, or pass on what captures report. `admin`: changes the
 * fate of stored events: replay, discard, retry.
 */
export const SCOPES = ['ingest', 'capture', 'read', 'browser', 'counter', 'admin'] as const;
export type Scope = (typeof SCOPES)[number];

export interface ApiKey {
  readonly id: string;
  readonly name: string;
  readonly scopes: readonly Scope[];
  /** Requests per second. */
  readonly ratePerS: number;
  readonly createdAtMs: number;
  /** When it stops being valid; after a rotation, that may be in the future. */
  readonly revokedAtMs: number | undefined;
  /** Origins of the pages that may use it; undefined: ALLOWED_ORIGINS. */
  readonly origins?: readonly string[] | undefined;
}

/** What a new key may do. */
export interface WantedKey {
  readonly name: string;
  readonly scopes: readonly Scope[];
  readonly ratePerS: number;
  /** Origins of the pages that may use it. @default ALLOWED_ORIGINS */
  readonly origins?: readonly string[] | undefined;
}

/** What a guard needs. */
export interface KeyCheck {
  /** Whether no key was ever made. */
  isEmpty(): boolean;
  verify(presented: string): ApiKey | 'unknown' | 'revoked';
}

export interface KeyStore extends KeyCheck {
  /**
   * The key itself is only in this answer, and stored nowhere.
   *
   * @throws KeyError if a key in use has the name
   */
  add(wanted: WantedKey): MadeKey;
  /** Adds a key that was made elsewhere; undefined if it exists already. */
  adopt(key: string, wanted: WantedKey): MadeKey | undefined;
  list(): readonly ApiKey[];
  /** Rotated keys that are still valid for a while. */
  retiring(): readonly ApiKey[];
  /**
   * Revokes the one key with that id or name. A rotated key can only be revoked by its id, because its successor has
   * the name.
   *
   * @throws KeyError if there is none, or several have the name
   */
  revoke(idOrName: string): ApiKey;
  /**
   * Makes a new key with the name, scopes and rate of the key with that id or name, which stays valid for `keepMs`.
   *
   * @throws KeyError as `revoke`
   */
  rotate(idOrName: string, keepMs: number): MadeKey & { readonly former: ApiKey };
  close(): void;
}

export interface MadeKey {
  readonly id: string;
  readonly key: string;
}

/** A request that the existing keys rule out; the message says what to do. */
export class KeyError extends Error {
  readonly code = 'key_refused';
  override readonly name = 'KeyError';
}

const KEY = /^clo_([0-9a-f]{12})_[\w-]{43}$/;
/** How often the file is checked for changes by another process. */
const FRESH_MS = 250;
/** How many valid keys are remembered, so that they need not be hashed again. */
const RECOGNISED_MAX = 1000;

/** Opens DATA_DIR/keys.db: a separate file, so that keys can be made and revoked while the collector runs. */
export function openKeyStore(dir: string, now: () => number = Date.now): KeyStore {
  const path = join(dir, 'keys.db');
  makePrivate(path);
  const database = new DatabaseSync(path);
  const named = <T>(use: () => T): T => opening(dir, () => naming(path, KEYS_CURE, use));
  const exec = (sql: string): void => named(() => database.exec(sql));
  exec(`
    PRAGMA journal_mode = WAL;
    PRAGMA busy_timeout = 5000;
    CREATE TABLE IF NOT EXISTS key (id TEXT PRIMARY KEY, hash TEXT NOT NULL, name TEXT NOT NULL, scopes TEXT NOT NULL, rate REAL NOT NULL, created INTEGER NOT NULL, revoked INTEGER, origins TEXT);
  `);
  const columns = named(() => database.prepare('PRAGMA table_info(key)').all());
  if (!columns.some((column) => column['name'] === 'origins')) exec('ALTER TABLE key ADD COLUMN origins TEXT');
  const all = database.prepare('SELECT * FROM key ORDER BY created, id');
  const insert = database.prepare(
    'INSERT INTO key (id, hash, name, scopes, rate, created, origins) VALUES (?, ?, ?, ?, ?, ?, ?)',
  );
  const strike = database.prepare('UPDATE key SET revoked = ? WHERE id = ?');
  const version = database.prepare('PRAGMA data_version');
  const layout = database.prepare('PRAGMA user_version');
  let cached = new Map<string, { key: ApiKey; hash: Buffer }>();
  /** Valid keys that were presented since the keys were last read. */
  const recognised = new Map<string, ApiKey>();
  let cachedVersion: unknown;
  let checkedAt = Number.NEGATIVE_INFINITY;

  function load(): void {
    recognised.clear();
    const isFormer = layout.get()?.['user_version'] === 0;
    cached = new Map(
      named(() => all.all()).map((row) => {
        const key: ApiKey = {
          id: String(row['id']),
          name: String(row['name']),
          scopes: scopesOf(String(row['scopes']), isFormer),
          ratePerS: Number(row['rate']),
          createdAtMs: Number(row['created']),
          revokedAtMs: row['revoked'] === null ? undefined : Number(row['revoked']),
          origins: row['origins'] === null ? undefined : String(row['origins']).split(' '),
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

  function keep(id: string, key: string, { name, scopes, ratePerS, origins = [] }: WantedKey): MadeKey {
    const bound = origins.length > 0 ? origins.join(' ') : null;
    exec('BEGIN IMMEDIATE');
    try {
      exec(LEAVE_FORMER);
      named(() => insert.run(id, hash('sha256', key, 'hex'), name, scopes.join(','), ratePerS, now(), bound));
      exec('COMMIT');
    } finally {
      if (database.isTransaction) database.exec('ROLLBACK');
    }
    load();
    return { id, key };
  }

  function make(wanted: WantedKey): MadeKey {
    const id = randomBytes(6).toString('hex');
    return keep(id, `clo_${id}_${randomBytes(32).toString('base64url')}`, wanted);
  }

  function strikeAt(timeMs: number, { id }: ApiKey): void {
    named(() => strike.run(timeMs, id));
    load();
  }

  /** Keys that are not revoked, neither now nor for later. */
  const inUse = (): readonly ApiKey[] => {
    load();
    return [...cached.values()].map(({ key }) => key).filter(({ revokedAtMs }) => revokedAtMs === undefined);
  };

  /** @throws KeyError */
  function theOne(idOrName: string, keys: readonly ApiKey[]): ApiKey {
    const one = keys.find(({ id }) => id === idOrName);
    if (one !== undefined) return one;
    const [first, ...others] = keys.filter(({ name }) => name === idOrName);
    if (first === undefined)
      throw new KeyError(`No key in use has the id or name ${idOrName}: "keys list" shows the keys`);
    if (others.length > 0)
      throw new KeyError(
        `${others.length + 1} keys have the name ${idOrName}: give the id of one: ${[first, ...others].map(({ id }) => id).join(', ')}`,
      );
    return first;
  }

  const isGood = ({ revokedAtMs = Number.POSITIVE_INFINITY }: ApiKey): boolean => now() < revokedAtMs;

  const retiring = (): readonly ApiKey[] => {
    load();
    return [...cached.values()].map(({ key }) => key).filter((key) => key.revokedAtMs !== undefined && isGood(key));
  };

  return {
    add: (wanted) => {
      const taken = inUse().find(({ name }) => name === wanted.name);
      if (taken !== undefined)
        throw new KeyError(
          `The key ${taken.id} has the name ${wanted.name}: choose another name, or replace that key with "keys rotate ${wanted.name}"`,
        );
      return make(wanted);
    },
    adopt: (key, wanted) => {
      load();
      const id = idOf(key);
      return cached.has(id) ? undefined : keep(id, key, wanted);
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
      const keys = inUse();
      const one = theOne(idOrName, [...keys, ...retiring().filter(({ id }) => id === idOrName)]);
      strikeAt(now(), one);
      return one;
    },
    retiring,
    rotate: (idOrName, keepMs) => {
      const former = theOne(idOrName, inUse());
      const made = make(former);
      strikeAt(now() + keepMs, former);
      return { ...made, former };
    },
    verify: (presented) => {
      refresh();
      const known = recognised.get(presented);
      if (known !== undefined) return isGood(known) ? known : 'revoked';
      const entry = cached.get(idOf(presented));
      const given = hash('sha256', presented, 'buffer');
      if (entry === undefined || !timingSafeEqual(entry.hash, given)) return 'unknown';
      if (!isGood(entry.key)) return 'revoked';
      if (recognised.size < RECOGNISED_MAX) recognised.set(presented, entry.key);
      return entry.key;
    },
    close: () => database.close(),
  };
}

/**
 * Before the scope `capture` existed, any key that could ingest was believed to be a capture's. Keys from that time keep this
 * right; the first key after it records the change.
 */
const LEAVE_FORMER = `
  UPDATE key SET scopes = scopes || ',capture'
    WHERE (SELECT user_version FROM pragma_user_version) = 0 AND ',' || scopes || ',' LIKE '%,ingest,%';
  PRAGMA user_version = 1;
`;

function scopesOf(written: string, isFormer: boolean): readonly Scope[] {
  const scopes = written.split(',');
  if (isFormer && scopes.includes('ingest')) scopes.push('capture');
  return SCOPES.filter((scope) => scopes.includes(scope));
}

/** The id of a key: part of our own keys; for other keys, the beginning of the hash. */
const idOf = (key: string): string => KEY.exec(key)?.[1] ?? hash('sha256', key, 'hex').slice(0, 12);
