import { CollectorError } from '../../collector/errors.ts';
import {
  HELD_REASONS,
  type CountedRow,
  type Cursor,
  type HeldEvent,
  type HeldGroup,
  type HeldLine,
  type HeldQuery,
  type JournalChange,
  type RejectedRecord,
} from '../../collector/journal/types.ts';
import type { Journal, JournalRow } from '../../collector/journal/journal.ts';

interface PendingWrite {
  readonly change: JournalChange;
  readonly resolve: (result: { heldIds: readonly number[] }) => void;
  readonly reject: (error: Error) => void;
}

/** An in-memory journal with the contract of the real one. Writes are committed at once, or when the test says so. */
export class MemoryJournal implements Journal {
  readonly lost = undefined;
  readonly rows: JournalRow[] = [];
  readonly rejectedRecords: RejectedRecord[] = [];
  savedCursor: Cursor = { row: 0, index: 0 };
  /** Whether writes wait for `flush`. */
  manual = false;
  /** How many of the next writes are refused. */
  failures = 0;
  readonly #held = new Map<number, HeldLine>();
  readonly #heldEvents = new Map<number, HeldEvent>();
  readonly #counted = new Map<number, CountedRow>();
  readonly #waiting: PendingWrite[] = [];
  readonly #listeners: (() => void)[] = [];
  readonly #now: () => number;
  #nextId = 1;

  constructor(now: () => number = () => 0) {
    this.#now = now;
  }

  get lines(): readonly string[] {
    return this.rows.flatMap(({ lines }) => lines);
  }

  get heldLines(): readonly HeldLine[] {
    return [...this.#held.values()];
  }

  /** Events that no queue took. */
  get heldUp(): readonly HeldEvent[] {
    return [...this.#heldEvents.values()];
  }

  get cursor(): Cursor {
    return this.savedCursor;
  }

  get pending(): number {
    return this.#waiting.length;
  }

  write(change: JournalChange): Promise<{ readonly heldIds: readonly number[] }> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ change, resolve, reject });
      if (!this.manual) queueMicrotask(() => this.flush());
    });
  }

  /** Commits, or refuses, the waiting writes in order. */
  flush(): void {
    for (const { change, resolve, reject } of this.#waiting.splice(0)) {
      if (this.failures > 0) {
        this.failures -= 1;
        reject(new CollectorError('journal_full', 'The journal is full'));
      } else {
        resolve({ heldIds: this.#apply(change) });
        if (change.append !== undefined) for (const listener of this.#listeners) listener();
      }
    }
  }

  /** The writing process ends: its waiting writes are committed or not, but never answered. */
  crash(committed: boolean): void {
    for (const { change } of this.#waiting.splice(0)) if (committed) this.#apply(change);
    this.#listeners.length = 0;
  }

  read(afterRow: number, maxBytes: number): readonly JournalRow[] {
    const found: JournalRow[] = [];
    let bytes = 0;
    for (const row of this.rows) {
      if (row.row <= afterRow) continue;
      found.push(row);
      bytes += row.lines.join('\n').length;
      if (bytes >= maxBytes) break;
    }
    return found;
  }

  *scan({ sinceMs = 0, fromRow = 0 }: { sinceMs?: number; fromRow?: number }): Generator<JournalRow> {
    yield* this.rows.filter(({ row, atMs }) => row > fromRow && atMs >= sinceMs);
  }

  keys(): [] {
    return [];
  }

  held(wanted: HeldLine['reason']): readonly HeldLine[] {
    return this.heldLines.filter(({ reason }) => reason === wanted);
  }

  heldDue(reason: HeldLine['reason'], nowMs: number, limit: number): readonly HeldLine[] {
    return this.heldLines.filter((one) => one.reason === reason && one.dueMs <= nowMs).slice(0, limit);
  }

  heldEvents({ reason, types, afterId = 0, limit }: HeldQuery): readonly HeldEvent[] {
    return this.heldUp
      .filter((one) => one.reason === reason && types.includes(one.type) && one.id > afterId)
      .slice(0, limit);
  }

  latestHeldLines(limit: number): readonly string[] {
    return this.heldUp.slice(-limit).map(({ line }) => line);
  }

  heldGroups(): readonly HeldGroup[] {
    const types = new Set(this.heldUp.map(({ type }) => type));
    return HELD_REASONS.flatMap((reason) =>
      [...types].flatMap((type) => {
        const [oldest, ...more] = this.heldEvents({ reason, types: [type], limit: Number.MAX_SAFE_INTEGER });
        return oldest === undefined ? [] : { reason, type, events: 1 + more.length, oldest };
      }),
    );
  }

  counted(): readonly CountedRow[] {
    return [...this.#counted.values()];
  }

  rejected(): readonly RejectedRecord[] {
    return this.rejectedRecords;
  }

  stats(): ReturnType<Journal['stats']> {
    return {
      bytes: 0,
      maxBytes: 1,
      lastRow: this.rows.length,
      backlogBytes: 0,
      rejected: 0,
      unpublishable: 0,
      commits: 0,
    };
  }

  onAppended(listener: () => void): void {
    this.#listeners.push(listener);
  }

  async close(): Promise<void> {
    this.flush();
  }

  #apply({
    append = [],
    keys = [],
    hold = [],
    unhold = [],
    holdEvents = [],
    releaseEvents = [],
    reject = [],
    cursor,
    ...rest
  }: JournalChange): number[] {
    for (const row of rest.count ?? []) this.#counted.set(row.id, row);
    for (const id of rest.uncount ?? []) this.#counted.delete(id);
    if (append.length > 0)
      this.rows.push({ row: this.rows.length + 1, atMs: this.#now(), lines: append, ...(keys.length > 0 && { keys }) });
    const heldIds = hold.map((held) => {
      this.#held.set(this.#nextId, { ...held, id: this.#nextId });
      this.#nextId += 1;
      return this.#nextId - 1;
    });
    for (const id of unhold) this.#held.delete(id);
    for (const event of holdEvents) {
      this.#heldEvents.set(this.#nextId, { ...event, id: this.#nextId });
      this.#nextId += 1;
    }
    for (const id of releaseEvents) this.#heldEvents.delete(id);
    for (const one of reject) this.rejectedRecords.push({ ...one, id: this.rejectedRecords.length + 1 });
    if (cursor !== undefined) this.savedCursor = cursor;
    return heldIds;
  }
}
