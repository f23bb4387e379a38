/**
 * A line that is kept out of the stream. `waiting`: an observation that waits for a stronger one. `gathering`: an event that
 * further observations may extend. `remembered`: not an event, but a key of the seen ids that no event restores, until due.
 */
export interface HeldLine {
  readonly id: number;
  readonly line: string;
  readonly dueMs: number;
  readonly reason: 'waiting' | 'gathering' | 'remembered';
  readonly attempts: number;
}

/** Why no queue has an event. `unroutable`: no queue is bound for its type. `nacked`: a bound queue refuses it now. */
export const HELD_REASONS = ['unroutable', 'nacked'] as const;
export type HeldReason = (typeof HELD_REASONS)[number];

/** An event that was published but that no queue has; it counts as unpublished. */
export interface HeldEvent {
  readonly id: number;
  readonly reason: HeldReason;
  readonly type: string;
  readonly sinceMs: number;
  readonly line: string;
}

/** The held events of one type and reason. */
export interface HeldGroup {
  readonly reason: HeldReason;
  readonly type: string;
  readonly events: number;
  readonly oldest: HeldEvent;
}

export interface HeldQuery {
  readonly reason: HeldReason;
  readonly types: readonly string[];
  readonly afterId?: number;
  readonly limit: number;
}

/** The code of rejected records that are events which no broker accepts; they are never dropped for others. */
export const UNPUBLISHABLE = 'unpublishable';

/** Access-log lines that count in open windows; they are not events and are not published. */
export interface CountedRow {
  /** Chosen by the code that writes the rows. There is only one such writer. */
  readonly id: number;
  readonly line: string;
}

export interface RejectedRecord {
  readonly id: number;
  readonly atMs: number;
  readonly code: string;
  readonly message: string;
  /** JSON text. */
  readonly record: string;
  readonly origin: string;
  /** The sender: key, service and class of address, as far as known; otherwise ''. */
  readonly sender?: string;
}

/** Everything before the cursor is settled: all lines of the rows before `row`, and the first `index` lines of `row`. */
export interface Cursor {
  readonly row: number;
  readonly index: number;
}

/** The changes of one write: all of them or none. */
export interface JournalChange {
  /** JSON text, one event each. */
  readonly append?: readonly string[];
  /** Keys that those events restore in the seen ids, besides those in their lines. Without line feeds. */
  readonly keys?: readonly string[];
  readonly hold?: readonly Omit<HeldLine, 'id'>[];
  readonly unhold?: readonly number[];
  readonly holdEvents?: readonly Omit<HeldEvent, 'id'>[];
  readonly releaseEvents?: readonly number[];
  readonly count?: readonly CountedRow[];
  readonly uncount?: readonly number[];
  readonly cursor?: Cursor;
  /** The last row that counting has read: see `StoreOptions.followed`. */
  readonly followed?: number;
  readonly reject?: readonly Omit<RejectedRecord, 'id'>[];
  readonly unreject?: readonly number[];
}

export interface JournalRow {
  readonly row: number;
  readonly atMs: number;
  readonly lines: readonly string[];
  /** Keys that the row's events restore in the seen ids, besides those in their lines. */
  readonly keys?: readonly string[];
  /** Given by a scan that read only rows without a match, up to this one: their bytes. The row then has no lines. */
  readonly skippedBytes?: number;
}

export interface JournalStats {
  readonly bytes: number;
  readonly maxBytes: number;
  readonly lastRow: number;
  /** Bytes of unpublished events, held ones included. */
  readonly backlogBytes: number;
  readonly rejected: number;
  /** How many of the rejected records are events that no broker accepts. */
  readonly unpublishable: number;
  /** Transactions since the journal was opened. */
  readonly commits: number;
  /** Why new events are currently refused. */
  readonly refusal?: JournalRefusal;
}

/**
 * Nothing was written. `journal_full`: the limit is reached. `batch_too_large`: the change exceeds the limit.
 * `journal_unavailable`: the disk refuses the change.
 */
export interface JournalRefusal {
  readonly code: 'journal_full' | 'journal_unavailable' | 'batch_too_large';
  readonly message: string;
}
