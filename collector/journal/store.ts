import { statSync } from 'node:fs';
import { join } from 'node:path';
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { JOURNAL_FILE, openForWriting } from './schema.ts';
import { JournalError, type JournalChange, type JournalStats } from './types.ts';

export interface StoreOptions {
  readonly dir: string;
  readonly maxBytes: number;
  readonly retentionMs: number;
  readonly rejectedMax: number;
  /** For tests: SQLite refuses to grow beyond this many pages. */
  readonly maxPages?: number;
}

/** A change whose lines to append are joined already: so it crosses to the writer's thread without a copy. */
export type StoredChange = Omit<JournalChange, 'append'> & { readonly append?: Uint8Array };

export type WriteResult =
  | { readonly ok: true; readonly heldIds: readonly number[] }
  | { readonly ok: false; readonly error: JournalError };

const PRUNE_ROWS = 64;
/** A cursor, a release or a page of history needs little; this much of a full disk is not worth a refusal. */
const LINE_OVERHEAD = 64;

/** The journal's one writer. Synchronous: it lives in a thread of its own. */
export class JournalStore {
  readonly #database: DatabaseSync;
  readonly #options: StoreOptions;
  readonly #statements: Record<
    | 'append'
    | 'hold'
    | 'unhold'
    | 'reschedule'
    | 'cursor'
    | 'reject'
    | 'unreject'
    | 'trimRejected'
    | 'oldest'
    | 'prune',
    StatementSync
  >;
  #bytes: number;
  #heldBytes: number;
  #settledBytes: number;
  #cursorRow: number;
  #lastRow: number;
  #rejected: number;
  #commits = 0;

  constructor(options: StoreOptions) {
    this.#options = options;
    const database = openForWriting(join(options.dir, JOURNAL_FILE), options.maxPages);
    this.#database = database;
    this.#statements = {
      append: database.prepare('INSERT INTO batch (at_ms, lines, bytes) VALUES (?, ?, ?)'),
      hold: database.prepare('INSERT INTO held (reason, due_ms, attempts, line) VALUES (?, ?, ?, ?)'),
      unhold: database.prepare('DELETE FROM held WHERE id = ? RETURNING length(line) AS bytes'),
      reschedule: database.prepare('UPDATE held SET due_ms = ?, attempts = ? WHERE id = ?'),
      cursor: database.prepare('UPDATE cursor SET row = ?, line = ?'),
      reject: database.prepare('INSERT INTO rejected (at_ms, code, message, origin, record) VALUES (?, ?, ?, ?, ?)'),
      unreject: database.prepare('DELETE FROM rejected WHERE id = ?'),
      trimRejected: database.prepare('DELETE FROM rejected WHERE id <= (SELECT max(id) FROM rejected) - ?'),
      oldest: database.prepare('SELECT row, at_ms, bytes FROM batch WHERE row < ? ORDER BY row LIMIT ?'),
      prune: database.prepare('DELETE FROM batch WHERE row <= ?'),
    };
    this.#cursorRow = this.#number('SELECT row AS n FROM cursor');
    this.#bytes = this.#number('SELECT coalesce(sum(bytes), 0) AS n FROM batch');
    this.#settledBytes = this.#number(
      'SELECT coalesce(sum(bytes), 0) AS n FROM batch WHERE row < (SELECT row FROM cursor)',
    );
    this.#heldBytes = this.#number('SELECT coalesce(sum(length(line)), 0) AS n FROM held');
    this.#lastRow = this.#number('SELECT coalesce(max(row), 0) AS n FROM batch');
    this.#rejected = this.#number('SELECT count(*) AS n FROM rejected');
  }

  /** One transaction, one fsync for all of the changes; each of them is kept whole or not at all. */
  write(changes: readonly StoredChange[], nowMs: number): readonly WriteResult[] {
    const before = this.#counters();
    try {
      this.#database.exec('BEGIN IMMEDIATE');
      const results = changes.map((change) => this.#applyOne(change, nowMs));
      this.#prune(nowMs);
      this.#database.exec('COMMIT');
      this.#commits += 1;
      return results;
    } catch (error) {
      this.#restore(before);
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      // One change too many for the disk must not take the others with it.
      if (changes.length > 1) return changes.flatMap((change) => this.write([change], nowMs));
      return changes.map(() => ({ ok: false, error: unavailable(error) }));
    }
  }

  stats(): JournalStats {
    return {
      bytes: this.#bytes + this.#heldBytes,
      maxBytes: this.#options.maxBytes,
      lastRow: this.#lastRow,
      backlogBytes: this.#backlog(),
      rejected: this.#rejected,
      commits: this.#commits,
    };
  }

  /** Size of the files on disk, in bytes. */
  fileBytes(): number {
    return statSync(join(this.#options.dir, JOURNAL_FILE)).size;
  }

  close(): void {
    this.#database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    this.#database.close();
  }

  #backlog(): number {
    return this.#bytes - this.#settledBytes + this.#heldBytes;
  }

  #applyOne(change: StoredChange, nowMs: number): WriteResult {
    const { append, hold = [] } = change;
    const wanted =
      (append === undefined ? 0 : append.byteLength + LINE_OVERHEAD) +
      hold.reduce((sum, held) => sum + (held.reason === 'waiting' ? held.line.length : 0), 0);
    if (wanted > 0 && this.#backlog() + wanted > this.#options.maxBytes) {
      return {
        ok: false,
        error: new JournalError(
          'journal_full',
          `The journal is full: ${this.#backlog()} bytes wait to be published, JOURNAL_MAX_BYTES is ${this.#options.maxBytes}`,
        ),
      };
    }
    if (append !== undefined) {
      this.#lastRow = Number(this.#statements.append.run(nowMs, append, append.byteLength).lastInsertRowid);
      this.#bytes += append.byteLength;
    }
    const heldIds = hold.map((held) => {
      this.#heldBytes += held.line.length;
      return Number(this.#statements.hold.run(held.reason, held.dueMs, held.attempts, held.line).lastInsertRowid);
    });
    for (const id of change.unhold ?? []) this.#heldBytes -= Number(this.#statements.unhold.get(id)?.['bytes'] ?? 0);
    for (const { id, dueMs, attempts } of change.reschedule ?? []) this.#statements.reschedule.run(dueMs, attempts, id);
    if (change.cursor !== undefined) this.#moveCursor(change.cursor);
    for (const one of change.reject ?? []) {
      this.#statements.reject.run(one.atMs, one.code, one.message, one.origin, one.record);
      this.#rejected += 1;
    }
    if (this.#rejected > this.#options.rejectedMax)
      this.#rejected -= Number(this.#statements.trimRejected.run(this.#options.rejectedMax).changes);
    for (const id of change.unreject ?? []) this.#rejected -= Number(this.#statements.unreject.run(id).changes);
    return { ok: true, heldIds };
  }

  #moveCursor(cursor: { readonly row: number; readonly index: number }): void {
    this.#statements.cursor.run(cursor.row, cursor.index);
    if (cursor.row <= this.#cursorRow) return;
    const passed = this.#database
      .prepare('SELECT coalesce(sum(bytes), 0) AS n FROM batch WHERE row >= ? AND row < ?')
      .get(this.#cursorRow, cursor.row);
    this.#settledBytes += Number(passed?.['n'] ?? 0);
    this.#cursorRow = cursor.row;
  }

  /** Lets go of the oldest published rows while the journal is over its bound, or they are over their time. */
  #prune(nowMs: number): void {
    const tooOld = nowMs - this.#options.retentionMs;
    let last = 0;
    for (const found of this.#statements.oldest.all(this.#cursorRow, PRUNE_ROWS)) {
      if (this.#bytes + this.#heldBytes <= this.#options.maxBytes && Number(found['at_ms']) >= tooOld) break;
      last = Number(found['row']);
      this.#bytes -= Number(found['bytes']);
      this.#settledBytes -= Number(found['bytes']);
    }
    if (last > 0) this.#statements.prune.run(last);
  }

  #counters(): readonly number[] {
    return [this.#bytes, this.#heldBytes, this.#settledBytes, this.#cursorRow, this.#lastRow, this.#rejected];
  }

  #restore([bytes = 0, held = 0, settled = 0, cursor = 0, last = 0, rejected = 0]: readonly number[]): void {
    this.#bytes = bytes;
    this.#heldBytes = held;
    this.#settledBytes = settled;
    this.#cursorRow = cursor;
    this.#lastRow = last;
    this.#rejected = rejected;
  }

  #number(sql: string): number {
    return Number(this.#database.prepare(sql).get()?.['n'] ?? 0);
  }
}

function unavailable(error: unknown): JournalError {
  const reason = error instanceof Error ? error.message : String(error);
  return new JournalError(
    'journal_unavailable',
    `The journal cannot be written: ${reason}. Is the disk of DATA_DIR full?`,
  );
}
