/** From inclusive, to exclusive, in Unix milliseconds. */
export interface Period {
  readonly fromMs: number;
  readonly toMs: number;
}

/** Where the SQL of the two engines differs. All other SQL works on both. */
export interface Dialect {
  readonly name: 'duckdb' | 'postgresql';
  /** Events created in the period, as a relation with the columns of `store/columns.ts`; `created` is in milliseconds. */
  readonly events: (period: Period) => string;
  /** The same for events about jobs, with the columns of `JOB_COLUMNS`. */
  readonly jobEvents: (period: Period) => string;
  /** Our tables besides the events. */
  readonly table: (name: TableName) => string;
  /** Quotient of two non-negative whole numbers, rounded down. */
  readonly quotient: (dividend: string, divisor: number) => string;
  /** Local milliseconds as text: `2026-10-31T07`, `2026-10-31`, `2026-10`. */
  readonly timeText: (localMs: string, unit: TimeUnit) => string;
  /** Whether a text matches a regular expression that both engines understand. */
  readonly matches: (text: string, pattern: string) => string;
  /** A field of a JSON object, as text. */
  readonly jsonText: (json: string, field: string) => string;
  /** The host of a URL. */
  readonly hostOf: (url: string) => string;
  /** Replaces a text of which only equality matters; the value may be stored. */
  readonly identity: (text: string) => string;
  /** Identifies a session by its key, an identity, and the number of its hour or day. */
  readonly session: (key: string, slot: string) => string;
  /** A text's value in a column of facts: a word's number, or the text itself. */
  readonly keyed: (column: string) => string;
  /** A table of words by number, `id` and `word`; absent if texts are stored directly. */
  readonly words?: string;
  /** Sums of facts by whole days of UTC, where they are kept. */
  readonly daySums?: {
    /** What they are told apart by. */
    readonly columns: readonly string[];
    /**
     * Verdicts of Release 5.1 in a period, what is alike of each day as one row: `n` of them, and their `bytes`. Its
     * `local_ms` is right where days of the time zone are those of UTC. Undefined where there is no whole day in the period.
     */
    readonly relation: (verdicts: string, period: Period) => string | undefined;
  };
  /**
   * Visitors in verdicts of Release 5.1 since a time, in all or of one class of clients, if the engine can tell it faster
   * than by distinguishing them.
   */
  readonly visitors?: {
    /** A time, `ms`, that `count` needs. */
    readonly openSince: string;
    /** The count, `n`. */
    readonly count: (verdicts: string, fromMs: number, openSinceMs: number, client?: string) => string;
  };
}

/** Columns that questions about jobs need. */
export const JOB_COLUMNS = [
  'event_id', 'created', 'event', 'job_id', 'extractor_name', 'resource_id', 'resource_type', 'dataset_id', 'duration_ms',
] as const; // prettier-ignore

export type TimeUnit = 'hour' | 'day' | 'month';
export type TableName =
  | 'agents'
  | 'addresses'
  | 'placements'
  | 'space_placements'
  | 'catalog_files'
  | 'catalog_datasets'
  | 'excluded'
  | 'catalog'
  | 'names'
  | 'reported_months'
  | 'reported_figures'
  | 'restatements';

/** A text in SQL: both engines double quotes and treat no other character as special. */
export const literal = (text: string): string => `'${text.replaceAll('\0', '\u{FFFD}').replaceAll("'", "''")}'`;
export const literals = (texts: readonly string[]): string => texts.map(literal).join(', ');
