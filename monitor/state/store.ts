import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { z } from 'zod';
import type { Notification } from '../notify/notification.ts';
import type { ToldState } from '../notify/policy.ts';
import type { HealthState } from './health-state.ts';

const healthSchema: z.ZodType<HealthState> = z
  .object({
    status: z.enum(['unknown', 'up', 'down']),
    sinceMs: z.number(),
    against: z.object({ count: z.number(), sinceMs: z.number() }).optional(),
    failures: z.number(),
  })
  .transform(({ against, ...rest }) => ({ ...rest, against }));

const toldSchema: z.ZodType<ToldState> = z
  .object({ told: z.enum(['down', 'up']), downAtMs: z.number().optional(), atMs: z.number() })
  .transform(({ downAtMs, ...rest }) => ({ ...rest, downAtMs }));

/** A message that waits to be delivered. */
export interface OutboxRow {
  readonly id: number;
  readonly notification: Notification;
}

/** What the monitor has to remember over its own end: states of targets, who was told what, messages to be delivered. */
export interface MonitorStore {
  health(subject: string): HealthState | undefined;
  keepHealth(subject: string, state: HealthState): void;
  told(notifier: string, subject: string): ToldState | undefined;
  /** The new state and its message, both or neither. */
  tell(notifier: string, subject: string, state: ToldState, notification: Notification): void;
  /** The oldest message that waits for the notifier. */
  firstMessage(notifier: string): OutboxRow | undefined;
  removeMessage(id: number): void;
  close(): void;
}

/** Of a notifier that takes nothing, the latest messages are kept. */
const OUTBOX_MAX = 1000;

/**
 * Opens the store in a directory that is the monitor's own.
 *
 * @throws Error of SQLite where it cannot be used
 */
export function openStore(dir: string): MonitorStore {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const database = new DatabaseSync(join(dir, 'state.db'));
  database.exec(`
    PRAGMA busy_timeout = 500;
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    CREATE TABLE IF NOT EXISTS health (subject TEXT PRIMARY KEY, state TEXT NOT NULL);
    CREATE TABLE IF NOT EXISTS told (notifier TEXT NOT NULL, subject TEXT NOT NULL, state TEXT NOT NULL, PRIMARY KEY (notifier, subject));
    CREATE TABLE IF NOT EXISTS outbox (id INTEGER PRIMARY KEY AUTOINCREMENT, notifier TEXT NOT NULL, message TEXT NOT NULL);
  `);
  const statements = {
    health: database.prepare('SELECT state FROM health WHERE subject = ?'),
    keepHealth: database.prepare('INSERT OR REPLACE INTO health (subject, state) VALUES (?, ?)'),
    told: database.prepare('SELECT state FROM told WHERE notifier = ? AND subject = ?'),
    keepTold: database.prepare('INSERT OR REPLACE INTO told (notifier, subject, state) VALUES (?, ?, ?)'),
    add: database.prepare('INSERT INTO outbox (notifier, message) VALUES (?, ?)'),
    trim: database.prepare(
      'DELETE FROM outbox WHERE id <= (SELECT id FROM outbox WHERE notifier = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2) AND notifier = ?1',
    ),
    first: database.prepare('SELECT id, message FROM outbox WHERE notifier = ? ORDER BY id LIMIT 1'),
    remove: database.prepare('DELETE FROM outbox WHERE id = ?'),
  };
  return {
    health: (subject) => parsed(statements.health.get(subject)?.['state'], healthSchema),
    keepHealth: (subject, state) => void statements.keepHealth.run(subject, JSON.stringify(state)),
    told: (notifier, subject) => parsed(statements.told.get(notifier, subject)?.['state'], toldSchema),
    tell(notifier, subject, state, notification) {
      database.exec('BEGIN IMMEDIATE');
      try {
        statements.keepTold.run(notifier, subject, JSON.stringify(state));
        statements.add.run(notifier, JSON.stringify(notification));
        statements.trim.run(notifier, OUTBOX_MAX);
        database.exec('COMMIT');
      } catch (error) {
        database.exec('ROLLBACK');
        throw error;
      }
    },
    firstMessage(notifier) {
      const row = statements.first.get(notifier);
      return row && { id: Number(row['id']), notification: JSON.parse(String(row['message'])) as Notification };
    },
    removeMessage: (id) => void statements.remove.run(id),
    close: () => database.close(),
  };
}

/** What an older version has written in another form is forgotten: the next reading says it anew. */
function parsed<T>(text: unknown, schema: z.ZodType<T>): T | undefined {
  return typeof text === 'string' ? schema.safeParse(JSON.parse(text)).data : undefined;
}
