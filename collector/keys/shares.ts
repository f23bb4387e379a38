import { hash, randomBytes, timingSafeEqual } from 'node:crypto';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { z } from 'zod';
import { METRIC_NAMES } from '../../usage/ask/question.ts';
import type { ShareLimits } from '../../usage/ask/limits.ts';
import { KEYS_CURE, naming } from '../journal/damage.ts';
import { opening } from '../journal/no-room.ts';
import { makePrivate } from '../journal/private-file.ts';
import { KeyError } from './store.ts';

/** A link through which anyone who has it can see chosen figures. */
export interface Share extends ShareLimits {
  readonly id: string;
  /** Who it is for. */
  readonly name: string;
  readonly createdAtMs: number;
  readonly expiresAtMs?: number | undefined;
  readonly revokedAtMs?: number | undefined;
}

/** What a new link shows. */
export type WantedShare = Pick<Share, 'name' | 'metrics' | 'datasets' | 'from' | 'to' | 'expiresAtMs'>;

export interface ShareCheck {
  /** The link of a token, or why there is none. */
  verify(token: string): Share | 'unknown' | 'revoked' | 'expired';
}

export interface ShareStore extends ShareCheck {
  /** The token is only in this answer, and stored nowhere. */
  add(wanted: WantedShare): { readonly id: string; readonly token: string };
  list(): readonly Share[];
  /** @throws KeyError if there is none */
  revoke(id: string): Share;
  close(): void;
}

const TOKEN = /^cls_([0-9a-f]{12})_[\w-]{43}$/;
const limits = z.object({
  metrics: z.array(z.enum(METRIC_NAMES)),
  datasets: z.array(z.string()).optional(),
  from: z.string(),
  to: z.string(),
});

/**
 * Opens the links in DATA_DIR/keys.db, which can be made and revoked while the collector runs. Only hashes of tokens
 * are stored.
 */
export function openShareStore(dir: string, now: () => number = Date.now): ShareStore {
  const path = join(dir, 'keys.db');
  makePrivate(path);
  const database = new DatabaseSync(path);
  const named = <T>(use: () => T): T => opening(dir, () => naming(path, KEYS_CURE, use));
  named(() =>
    database.exec(`
    PRAGMA journal_mode = WAL;
    PRAGMA busy_timeout = 5000;
    CREATE TABLE IF NOT EXISTS share (id TEXT PRIMARY KEY, hash TEXT NOT NULL, name TEXT NOT NULL, limits TEXT NOT NULL, created INTEGER NOT NULL, expires INTEGER, revoked INTEGER);
  `),
  );
  const one = database.prepare('SELECT * FROM share WHERE id = ?');

  const find = (id: string): { share: Share; hash: Buffer } | undefined => {
    const row = named(() => one.get(id));
    return row === undefined ? undefined : { share: shareOf(row), hash: Buffer.from(String(row['hash']), 'hex') };
  };

  return {
    add: ({ name, expiresAtMs, ...shown }) => {
      const id = randomBytes(6).toString('hex');
      const token = `cls_${id}_${randomBytes(32).toString('base64url')}`;
      const insert = database.prepare(
        'INSERT INTO share (id, hash, name, limits, created, expires) VALUES (?, ?, ?, ?, ?, ?)',
      );
      named(() =>
        insert.run(
          id,
          hash('sha256', token, 'hex'),
          name,
          JSON.stringify(limits.parse(shown)),
          now(),
          expiresAtMs ?? null,
        ),
      );
      return { id, token };
    },
    list: () => named(() => database.prepare('SELECT * FROM share ORDER BY created, id').all()).map(shareOf),
    revoke: (id) => {
      const found = find(id);
      if (found === undefined) throw new KeyError(`No share link has the id ${id}: "shares list" shows the links`);
      named(() => database.prepare('UPDATE share SET revoked = coalesce(revoked, ?) WHERE id = ?').run(now(), id));
      return found.share;
    },
    verify: (token) => {
      const found = find(TOKEN.exec(token)?.[1] ?? '');
      if (found === undefined || !timingSafeEqual(found.hash, hash('sha256', token, 'buffer'))) return 'unknown';
      const { share } = found;
      if (share.revokedAtMs !== undefined) return 'revoked';
      return share.expiresAtMs !== undefined && share.expiresAtMs <= now() ? 'expired' : share;
    },
    close: () => database.close(),
  };
}

type Row = Readonly<Record<string, unknown>>;

function shareOf(row: Row): Share {
  const time = (name: string): number | undefined => (row[name] === null ? undefined : Number(row[name]));
  return {
    id: String(row['id']),
    name: String(row['name']),
    createdAtMs: Number(row['created']),
    expiresAtMs: time('expires'),
    revokedAtMs: time('revoked'),
    ...limits.parse(JSON.parse(String(row['limits']))),
  };
}
