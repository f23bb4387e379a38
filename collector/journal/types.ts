/**
 * A line that is kept out of the stream. It waits for a stronger observation, or is an event that others may be added to; a `remembered` one is not an event at all,
 * but a key of the seen ids that no event in the journal brings back, until it is due.
 */
export interface HeldLine {
  readonly id: number;
  readonly line: string;
  readonly dueMs: number;
  readonly reason: 'waiting' | 'gathering' | 'remembered';
  readonly attempts: number;
}

/** Why no queue has an event. `unroutable`: none is bound for its type. `nacked`: one that is bound does not take it now. */
export const HELD_REASONS = ['unroutable', 'nacked'] as const;
export type HeldReason = (typeof HELD_REASONS)[number];

/** An event that was published and that no queue has; it counts as not published. */
export interface HeldEvent {
  readonly id: number;
  readonly reason: HeldReason;
  readonly type: string;
  readonly sinceMs: number;
  readonly line: string;
}

/** What is held of one type for one reason. */
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

/** The code of rejected records that are events and that no broker takes as they are: they never make room for others. */
export const UNPUBLISHABLE = 'unpublishable';

/** Lines of an access log that count in windows that are still open; not an event, and not published. */
export interface CountedRow {
  /** Given by whoever writes it: there is one writer. */
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
  /** Who sent it: key, service and class of address, as far as they are known; '' where nothing is. */
  readonly sender?: string;
}

/** Everything before it is settled: all lines of the rows before `row`, and `index` lines of `row`. */
export interface Cursor {
  readonly row: number;
  readonly index: number;
}

/** What one write changes, all of it or nothing. */
export interface JournalChange {
  /** JSON text of one event each. */
  readonly append?: readonly string[];
  /** What those events bring back into the seen ids that their lines do not say; without line feeds. */
  readonly keys?: readonly string[];
  readonly hold?: readonly Omit<HeldLine, 'id'>[];
  readonly unhold?: readonly number[];
  readonly holdEvents?: readonly Omit<HeldEvent, 'id'>[];
  readonly releaseEvents?: readonly number[];
  readonly count?: readonly CountedRow[];
  readonly uncount?: readonly number[];
  readonly cursor?: Cursor;
  /** The last row that counting has taken: see `StoreOptions.followed`. */
  readonly followed?: number;
  readonly reject?: readonly Omit<RejectedRecord, 'id'>[];
  readonly unreject?: readonly number[];
}

export interface JournalRow {
  readonly row: number;
  readonly atMs: number;
  readonly lines: readonly string[];
  /** What its events bring back into the seen ids beside what their lines say. */
  readonly keys?: readonly string[];
  /** Of a scan that read rows which hold nothing of what is wanted, up to this one: their bytes; it has no lines then. */
  readonly skippedBytes?: number;
}

export interface JournalStats {
  readonly bytes: number;
  readonly maxBytes: number;
  readonly lastRow: number;
  /** Bytes of events that are not published yet, held ones included. */
  readonly backlogBytes: number;
  readonly rejected: number;
  /** Of the rejected records, those that are events which no broker takes as they are. */
  readonly unpublishable: number;
  /** Transactions since the journal was opened. */
  readonly commits: number;
  /** Why new events are turned away at present. */
  readonly refusal?: JournalRefusal;
}

/**
 * Nothing was written. `journal_full`: the bound is reached; `batch_too_large`: it never fits into it;
 * `journal_unavailable`: the disk does not take it.
 */
export interface JournalRefusal {
  readonly code: 'journal_full' | 'journal_unavailable' | 'batch_too_large';
  readonly message: string;
}
