import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { keyOf, WORDS } from './id-key.ts';

/** A summary of a run of rows, so that they need not be read. */
export interface Segment {
  readonly firstRow: number;
  readonly lastRow: number;
  /** When its first and its last row were journaled. */
  readonly firstMs: number;
  readonly lastMs: number;
  /** Event types in it. */
  readonly types: ReadonlySet<string>;
}

/** A segment with the keys of its events, one after the other. */
export interface SegmentKeys {
  readonly lastRow: number;
  readonly firstMs: number;
  readonly lastMs: number;
  readonly keys: Uint32Array;
}

/** Which keys an event's line restores in the seen ids. */
export interface KeyRule {
  /** Changes if the same line gives other keys. Segments of another version are made again. */
  readonly version: number;
  readonly keysOf: (line: string) => readonly string[];
}

export interface SegmentSize {
  /** A segment ends with the row that brings it to this many keys. */
  readonly keys: number;
  /** A segment also ends with the last row before it spans this time. */
  readonly spanMs: number;
}

const SEGMENT_SIZE: SegmentSize = { keys: 65_536, spanMs: 300_000 };
/** Rows read at once. */
const PAGE_ROWS = 16;
/** Approximate bytes that one step reads, in a few milliseconds. */
const STEP_BYTES = 512 * 1024;

const TABLE = `
  CREATE TABLE IF NOT EXISTS segment (last_row INTEGER PRIMARY KEY, first_row INTEGER NOT NULL, first_ms INTEGER NOT NULL, last_ms INTEGER NOT NULL, rule INTEGER NOT NULL, types TEXT NOT NULL, keys BLOB NOT NULL);
`;
const TYPE = /^\{"event_id":"(?:[^"\\]|\\.)*","event":"([^"\\]*)"/;

interface OpenSegment {
  firstRow: number;
  lastRow: number;
  firstMs: number;
  lastMs: number;
  readonly types: Set<string>;
  keys: Uint32Array;
  used: number;
}

/** Follows the writer through the journal and summarises what it has written, one segment at a time. */
export class SegmentIndexer {
  readonly #rule: KeyRule;
  readonly #size: SegmentSize;
  readonly #page: StatementSync;
  readonly #add: StatementSync;
  readonly #key = new Uint32Array(WORDS);
  readonly #decoder = new TextDecoder();
  #written: number;
  #open: OpenSegment | undefined;

  constructor(database: DatabaseSync, rule: KeyRule, size: SegmentSize = SEGMENT_SIZE) {
    this.#rule = rule;
    this.#size = size;
    database.exec(TABLE);
    database.prepare('DELETE FROM segment WHERE rule <> ?').run(rule.version);
    this.#page = database.prepare(
      `SELECT row, at_ms, lines, keys FROM batch WHERE row > ? ORDER BY row LIMIT ${PAGE_ROWS}`,
    );
    this.#add = database.prepare('INSERT OR REPLACE INTO segment VALUES (?, ?, ?, ?, ?, ?, ?)');
    this.#written = Number(database.prepare('SELECT max(last_row) AS last FROM segment').get()?.['last'] ?? 0);
  }

  /** Reads further rows. @returns whether there may be more */
  step(): boolean {
    let bytes = 0;
    try {
      while (bytes < STEP_BYTES) {
        const rows = this.#page.all(this.#open?.lastRow ?? this.#written);
        for (const { row, at_ms: atMs, lines, keys } of rows) {
          if (!(lines instanceof Uint8Array)) continue;
          this.#read(
            Number(row),
            Number(atMs),
            this.#decoder.decode(lines),
            typeof keys === 'string' ? keys.split('\n') : [],
          );
          bytes += lines.byteLength;
        }
        if (rows.length < PAGE_ROWS) return false;
      }
      return true;
    } catch {
      // The disk refused the write: the rows are read again after the next change.
      this.#open = undefined;
      return false;
    }
  }

  #read(row: number, atMs: number, text: string, keys: readonly string[]): void {
    if (this.#open !== undefined && Math.abs(atMs - this.#open.firstMs) >= this.#size.spanMs) this.#end(this.#open);
    this.#open ??= {
      firstRow: row,
      lastRow: row,
      firstMs: atMs,
      lastMs: atMs,
      types: new Set(),
      keys: new Uint32Array(1024 * WORDS),
      used: 0,
    };
    const open = this.#open;
    open.lastRow = row;
    open.firstMs = Math.min(open.firstMs, atMs);
    open.lastMs = Math.max(open.lastMs, atMs);
    for (const line of text.split('\n')) {
      open.types.add(TYPE.exec(line)?.[1] ?? '');
      for (const id of this.#rule.keysOf(line)) this.#addKey(open, id);
    }
    for (const key of keys) this.#addKey(open, key);
    if (open.used >= this.#size.keys * WORDS) this.#end(open);
  }

  #addKey(open: OpenSegment, id: string): void {
    if (open.used === open.keys.length) {
      const larger = new Uint32Array(open.keys.length * 2);
      larger.set(open.keys);
      open.keys = larger;
    }
    keyOf(id, this.#key);
    open.keys.set(this.#key, open.used);
    open.used += WORDS;
  }

  #end(open: OpenSegment): void {
    const keys = new Uint8Array(open.keys.buffer, 0, open.used * Uint32Array.BYTES_PER_ELEMENT);
    const types = [...open.types].join(' ');
    this.#add.run(open.lastRow, open.firstRow, open.firstMs, open.lastMs, this.#rule.version, types, keys);
    this.#written = open.lastRow;
    this.#open = undefined;
  }
}

/** Reads the journal's segments. A journal of an earlier version has none. */
export class SegmentReader {
  readonly #database: DatabaseSync;

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  /** All segments in the order of their rows, without their keys. */
  all(): readonly Segment[] {
    if (!this.#isThere()) return [];
    return this.#database
      .prepare('SELECT last_row, first_row, first_ms, last_ms, types FROM segment ORDER BY last_row')
      .all()
      .map((found) => ({
        firstRow: Number(found['first_row']),
        lastRow: Number(found['last_row']),
        firstMs: Number(found['first_ms']),
        lastMs: Number(found['last_ms']),
        types: new Set(String(found['types']).split(' ')),
      }));
  }

  /** Segments of one version with their keys, youngest first, read one at a time. */
  *keys(rule: number, sinceMs: number): Generator<SegmentKeys> {
    if (!this.#isThere()) return;
    const one = this.#database.prepare(
      'SELECT last_row, first_ms, last_ms, keys FROM segment WHERE last_row < ? AND rule = ? AND last_ms >= ? ORDER BY last_row DESC LIMIT 1',
    );
    for (let before = Number.MAX_SAFE_INTEGER; ;) {
      const found = one.get(before, rule, sinceMs);
      if (found === undefined || !(found['keys'] instanceof Uint8Array)) return;
      before = Number(found['last_row']);
      yield {
        lastRow: before,
        firstMs: Number(found['first_ms']),
        lastMs: Number(found['last_ms']),
        keys: wordsOf(found['keys']),
      };
    }
  }

  #isThere(): boolean {
    return this.#database.prepare("SELECT 1 FROM sqlite_master WHERE name = 'segment'").get() !== undefined;
  }
}

function wordsOf(bytes: Uint8Array): Uint32Array {
  const copy = bytes.byteOffset % Uint32Array.BYTES_PER_ELEMENT === 0 ? bytes : bytes.slice();
  return new Uint32Array(copy.buffer, copy.byteOffset, copy.byteLength / Uint32Array.BYTES_PER_ELEMENT);
}
