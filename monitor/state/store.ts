import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { z } from 'zod';
import { makeDirectory } from '../../runtime/directory.ts';
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

/** A message that waits for delivery. */
export interface OutboxRow {
  readonly id: number;
  readonly notification: Notification;
}

/**
 * What the monitor remembers across restarts: states of targets, who was told what, and messages to deliver. If the
 * disk fails, people must still be notified, so it then remembers in memory.
 */
export interface MonitorStore {
  health(subject: string): HealthState | undefined;
  keepHealth(subject: string, state: HealthState): void;
  /** States of the subjects whose names have this prefix, by the rest of the name. */
  healthOf(prefix: string): ReadonlyMap<string, HealthState>;
  told(notifier: string, subject: string): ToldState | undefined;
  /**
   * Saves the new state and its message, both or neither.
   *
   * @param outboxes one for each recipient, independent of the others
   */
  tell(
    notifier: string,
    outboxes: readonly string[],
    subject: string,
    state: ToldState,
    notification: Notification,
  ): void;
  /** The oldest waiting message of an outbox. */
  firstMessage(outbox: string): OutboxRow | undefined;
  /** Removes the message that `firstMessage` returned. */
  removeMessage(outbox: string, row: OutboxRow): void;
  close(): void;
}

export interface StoreOptions {
  /** The monitor's own directory; created if missing. */
  readonly dir: string;
  /** Called for each write that the disk refused. */
  readonly onFailure: (error: unknown) => void;
  /** For tests: SQLite refuses to grow beyond this many pages. */
  readonly maxPages?: number;
}

/** If an outbox is never emptied, its latest messages are kept. */
const OUTBOX_MAX = 1000;

/** @throws Error of SQLite if the store cannot be opened */
export function openStore({ dir, onFailure, maxPages }: StoreOptions): MonitorStore {
  makeDirectory(dir, 0o700);
  const database = new DatabaseSync(join(dir, 'state.db'));
  database.exec(`
    PRAGMA busy_timeout = 500;
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    CREATE TABLE IF NOT EXISTS health (subject TEXT PRIMARY KEY, state TEXT NOT NULL);
    CREATE TABLE IF NOT EXISTS told (notifier TEXT NOT NULL, subject TEXT NOT NULL, state TEXT NOT NULL, PRIMARY KEY (notifier, subject));
    CREATE TABLE IF NOT EXISTS outbox (id INTEGER PRIMARY KEY AUTOINCREMENT, notifier TEXT NOT NULL, message TEXT NOT NULL);
  `);
  if (maxPages !== undefined) database.exec(`PRAGMA max_page_count = ${maxPages}`);
  const statements = {
    health: database.prepare('SELECT state FROM health WHERE subject = ?'),
    healthOf: database.prepare('SELECT subject, state FROM health WHERE substr(subject, 1, length(?1)) = ?1'),
    keepHealth: database.prepare('INSERT OR REPLACE INTO health (subject, state) VALUES (?, ?)'),
    told: database.prepare('SELECT state FROM told WHERE notifier = ? AND subject = ?'),
    keepTold: database.prepare('INSERT OR REPLACE INTO told (notifier, subject, state) VALUES (?, ?, ?)'),
    add: database.prepare('INSERT INTO outbox (notifier, message) VALUES (?, ?)'),
    trim: database.prepare(
      'DELETE FROM outbox WHERE id <= (SELECT id FROM outbox WHERE notifier = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2) AND notifier = ?1',
    ),
    first: database.prepare('SELECT id, message FROM outbox WHERE notifier = ? AND id > ? ORDER BY id LIMIT 1'),
    remove: database.prepare('DELETE FROM outbox WHERE notifier = ? AND id <= ?'),
  };
  /** States and messages that the disk refused, by notifier or outbox. */
  const unwritten = new Map<string, { readonly told: Map<string, ToldState>; readonly messages: OutboxRow[] }>();
  /** By outbox: messages up to this one are done, though the disk may still have them. */
  const goneUpTo = new Map<string, number>();
  const write = (change: () => void, otherwise: () => void = () => undefined): void => {
    try {
      database.exec('BEGIN IMMEDIATE');
      change();
      database.exec('COMMIT');
    } catch (error) {
      if (database.isTransaction) database.exec('ROLLBACK');
      onFailure(error);
      otherwise();
    }
  };
  const inMemory = (notifier: string) => {
    const known = unwritten.get(notifier) ?? { told: new Map<string, ToldState>(), messages: [] };
    unwritten.set(notifier, known);
    return known;
  };
  return {
    health: (subject) => parsed(statements.health.get(subject)?.['state'], healthSchema),
    healthOf(prefix) {
      const states = statements.healthOf.all(prefix).map(({ subject, state }) => {
        return [String(subject).slice(prefix.length), parsed(state, healthSchema)] as const;
      });
      return new Map(states.flatMap(([rest, state]) => (state === undefined ? [] : [[rest, state] as const])));
    },
    keepHealth: (subject, state) => write(() => void statements.keepHealth.run(subject, JSON.stringify(state))),
    told: (notifier, subject) =>
      unwritten.get(notifier)?.told.get(subject) ??
      parsed(statements.told.get(notifier, subject)?.['state'], toldSchema),
    tell: (notifier, outboxes, subject, state, notification) =>
      write(
        () => {
          statements.keepTold.run(notifier, subject, JSON.stringify(state));
          for (const outbox of outboxes) {
            statements.add.run(outbox, JSON.stringify(notification));
            statements.trim.run(outbox, OUTBOX_MAX);
          }
          unwritten.get(notifier)?.told.delete(subject);
        },
        () => {
          inMemory(notifier).told.set(subject, state);
          for (const outbox of outboxes) {
            const { messages } = inMemory(outbox);
            messages.push({ id: -1, notification });
            if (messages.length > OUTBOX_MAX) messages.shift();
          }
        },
      ),
    firstMessage(outbox) {
      const row = statements.first.get(outbox, goneUpTo.get(outbox) ?? 0);
      if (row === undefined) return unwritten.get(outbox)?.messages[0];
      return { id: Number(row['id']), notification: JSON.parse(String(row['message'])) as Notification };
    },
    removeMessage(outbox, row) {
      if (row.id < 0) {
        const messages = unwritten.get(outbox)?.messages;
        messages?.splice(messages.indexOf(row), 1);
        return;
      }
      goneUpTo.set(outbox, row.id);
      write(() => void statements.remove.run(outbox, row.id));
    },
    close: () => database.close(),
  };
}

/** An older version's data in another form is dropped: the next reading creates it anew. */
function parsed<T>(text: unknown, schema: z.ZodType<T>): T | undefined {
  return typeof text === 'string' ? schema.safeParse(JSON.parse(text)).data : undefined;
}
