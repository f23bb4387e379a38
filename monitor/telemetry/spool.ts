import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { openSpoolFile } from './spool-file.ts';

export type Signal = 'logs' | 'metrics';

/**
 * A serialized OTLP request that waits to be sent. Requests of one signal can be joined: their concatenated bytes are
 * one request.
 */
export interface SpoolRow {
  readonly id: number;
  readonly signal: Signal;
  /** How many log records or metric data points it contains. */
  readonly items: number;
  readonly body: Uint8Array;
}

export interface SpoolStats {
  readonly rows: number;
  readonly bytes: number;
  readonly maxBytes: number;
  /** Moved aside because the receiver refuses them for good. */
  readonly refused: number;
  /** Waiting in memory because the disk refuses writes. */
  readonly unwritten: number;
}

export interface SpoolOptions {
  readonly dir: string;
  /** Most bytes that may wait on disk. */
  readonly maxBytes: number;
  /** Called for each loss with the reason: the size limit, or a disk that refuses writes. */
  readonly onLost: (signal: Signal, items: number, reason: string) => void;
  /** Called once when the disk begins to refuse writes, and once when it accepts them again. */
  readonly onDisk: (error: Error | undefined) => void;
  /** For tests: SQLite refuses to grow beyond this many pages. */
  readonly maxPages?: number;
}

type Lost = Pick<SpoolRow, 'signal' | 'items'>;

/** How many requests that the receiver refused for good are kept. */
const REFUSED_KEPT = 100;
/** The most bytes that may wait in memory while the disk refuses writes. */
const UNWRITTEN_BYTES = 4 * 1024 * 1024;

/**
 * Requests that wait on disk: they survive any end of the process. Bounded: without room, the oldest metrics are
 * dropped first (the next ones say nearly the same), then the oldest of the rest.
 */
export class Spool {
  readonly #options: SpoolOptions;
  readonly #database: DatabaseSync;
  readonly #statements: Record<
    'add' | 'take' | 'remove' | 'oldestMetrics' | 'oldest' | 'drop' | 'refuse' | 'trim',
    StatementSync
  >;
  #rows = 0;
  #bytes = 0;
  #refused = 0;
  #unwritten: SpoolRow[] = [];
  #unwrittenId = 0;
  #failing = false;
  /** Rows up to these were sent, though the disk may still have them. */
  readonly #sentUpTo: Record<Signal, number> = { logs: 0, metrics: 0 };

  /** @throws SpoolError if the directory cannot be used, or another monitor uses it */
  constructor(options: SpoolOptions) {
    this.#options = options;
    const database = openSpoolFile(options.dir);
    this.#database = database;
    if (options.maxPages !== undefined) database.exec(`PRAGMA max_page_count = ${options.maxPages}`);
    this.#statements = {
      add: database.prepare('INSERT INTO waiting (signal, items, body) VALUES (?, ?, ?)'),
      take: database.prepare('SELECT id, items, body FROM waiting WHERE signal = ? AND id > ? ORDER BY id LIMIT ?'),
      remove: database.prepare('DELETE FROM waiting WHERE signal = ? AND id <= ? RETURNING length(body) AS bytes'),
      oldestMetrics: database.prepare(
        "SELECT id, signal, items, length(body) AS bytes FROM waiting WHERE signal = 'metrics' ORDER BY id LIMIT 1",
      ),
      oldest: database.prepare('SELECT id, signal, items, length(body) AS bytes FROM waiting ORDER BY id LIMIT 1'),
      drop: database.prepare('DELETE FROM waiting WHERE id = ?'),
      refuse: database.prepare('INSERT INTO refused (at_ms, signal, items, reason, body) VALUES (?, ?, ?, ?, ?)'),
      trim: database.prepare('DELETE FROM refused WHERE id <= (SELECT max(id) FROM refused) - ?'),
    };
    const counted = database
      .prepare('SELECT count(*) AS n, coalesce(sum(length(body)), 0) AS bytes FROM waiting')
      .get();
    this.#rows = Number(counted?.['n']);
    this.#bytes = Number(counted?.['bytes']);
    this.#refused = Number(database.prepare('SELECT count(*) AS n FROM refused').get()?.['n']);
  }

  get stats(): SpoolStats {
    return {
      rows: this.#rows,
      bytes: this.#bytes,
      maxBytes: this.#options.maxBytes,
      refused: this.#refused,
      unwritten: this.#unwritten.length,
    };
  }

  /** Saves a request; when this returns it is synced to disk, or waits in memory if the disk refuses writes. */
  add(signal: Signal, items: number, body: Uint8Array): void {
    if (body.byteLength > this.#options.maxBytes) {
      this.#options.onLost(signal, items, 'larger than the whole spool');
      return;
    }
    this.#unwrittenId -= 1;
    this.#unwritten.push({ id: this.#unwrittenId, signal, items, body });
    this.#write();
  }

  /** The oldest requests of the signal, in order: at least one if there is any, then as many as fit. */
  take(signal: Signal, maxBytes: number, maxRows: number): readonly SpoolRow[] {
    const rows: SpoolRow[] = [];
    let bytes = 0;
    for (const row of this.#waiting(signal, maxRows)) {
      bytes += row.body.byteLength;
      if (rows.length > 0 && bytes > maxBytes) break;
      rows.push(row);
    }
    return rows;
  }

  *#waiting(signal: Signal, maxRows: number): Iterable<SpoolRow> {
    let onDisk = false;
    for (const { id, items, body } of this.#statements.take.iterate(signal, this.#sentUpTo[signal], maxRows)) {
      onDisk = true;
      yield { id: Number(id), signal, items: Number(items), body: bytesOf(body) };
    }
    if (!onDisk) yield* this.#unwritten.filter((row) => row.signal === signal).slice(0, maxRows);
  }

  /** Removes requests that were sent: the first ones that `take` returned. */
  remove(rows: readonly SpoolRow[]): void {
    const last = rows.at(-1);
    if (last === undefined) return;
    if (last.id < 0) {
      const sent = new Set(rows);
      this.#unwritten = this.#unwritten.filter((row) => !sent.has(row));
      return;
    }
    this.#sentUpTo[last.signal] = last.id;
    this.#onDisk(() => {
      for (const { bytes } of this.#statements.remove.all(last.signal, last.id)) this.#forget(Number(bytes));
    });
  }

  /** Moves aside a request that the receiver will never accept; the latest hundred are kept for an operator. */
  refuse(row: SpoolRow, reason: string, nowMs: number): void {
    this.#onDisk(() => {
      this.#statements.refuse.run(nowMs, row.signal, row.items, reason, row.body);
      this.#statements.trim.run(REFUSED_KEPT);
      this.#refused += 1;
    });
    this.remove([row]);
  }

  close(): void {
    this.#write();
    this.#database.close();
  }

  /** Writes everything that waits in memory in one transaction, with one sync. */
  #write(): void {
    const waiting = this.#unwritten;
    if (waiting.length === 0) return;
    let lost: readonly Lost[] = [];
    const written = this.#onDisk(() => {
      const wanted = waiting.reduce((sum, row) => sum + row.body.byteLength, 0);
      lost = this.#makeRoom(wanted);
      for (const { signal, items, body } of waiting) this.#statements.add.run(signal, items, body);
      this.#rows += waiting.length;
      this.#bytes += wanted;
    });
    if (!written) return this.#boundUnwritten();
    this.#unwritten = [];
    for (const { signal, items } of lost) this.#options.onLost(signal, items, 'the spool is full');
  }

  #makeRoom(wanted: number): readonly Lost[] {
    const lost: Lost[] = [];
    while (this.#bytes + wanted > this.#options.maxBytes) {
      const oldest = this.#statements.oldestMetrics.get() ?? this.#statements.oldest.get();
      if (oldest === undefined) break;
      this.#statements.drop.run(Number(oldest['id']));
      this.#forget(Number(oldest['bytes']));
      lost.push({ signal: oldest['signal'] === 'metrics' ? 'metrics' : 'logs', items: Number(oldest['items']) });
    }
    return lost;
  }

  #forget(bytes: number): void {
    this.#rows -= 1;
    this.#bytes -= bytes;
  }

  #boundUnwritten(): void {
    let bytes = this.#unwritten.reduce((sum, row) => sum + row.body.byteLength, 0);
    while (bytes > UNWRITTEN_BYTES) {
      const index = Math.max(
        0,
        this.#unwritten.findIndex((row) => row.signal === 'metrics'),
      );
      const [lost] = this.#unwritten.splice(index, 1);
      if (lost === undefined) return;
      bytes -= lost.body.byteLength;
      this.#options.onLost(lost.signal, lost.items, 'the disk cannot be written');
    }
  }

  /** One transaction. @returns false if the disk refused it: nothing has changed then */
  #onDisk(change: () => void): boolean {
    const before = { rows: this.#rows, bytes: this.#bytes, refused: this.#refused };
    try {
      this.#database.exec('BEGIN IMMEDIATE');
      change();
      this.#database.exec('COMMIT');
      if (this.#failing) this.#options.onDisk(undefined);
      this.#failing = false;
      return true;
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      this.#rows = before.rows;
      this.#bytes = before.bytes;
      this.#refused = before.refused;
      if (!this.#failing) this.#options.onDisk(error instanceof Error ? error : new Error(String(error)));
      this.#failing = true;
      return false;
    }
  }
}

function bytesOf(value: unknown): Uint8Array {
  if (value instanceof Uint8Array) return value;
  throw new TypeError('a request in the spool is not bytes');
}
