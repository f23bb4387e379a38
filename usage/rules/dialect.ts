/** From, inclusive, to, exclusive, Unix milliseconds. */
export interface Period {
  readonly fromMs: number;
  readonly toMs: number;
}

/**
 * Where the two engines' SQL differs. Everything else is written in what both of them take.
 */
export interface Dialect {
  readonly name: 'duckdb' | 'postgresql';
  /** Events created in the period, as a relation with the columns of `store/columns.ts`; `created` is in milliseconds. */
  readonly events: (period: Period) => string;
  /** Of those the ones about jobs, with the columns of `JOB_COLUMNS`. */
  readonly jobEvents: (period: Period) => string;
  /** Tables of ours beside the events. */
  readonly table: (name: TableName) => string;
  /** Whole quotient of two whole numbers that are not negative. */
  readonly quotient: (dividend: string, divisor: number) => string;
  /** Of local milliseconds: `2026-10-31T07`, `2026-10-31`, `2026-10`. */
  readonly timeText: (localMs: string, unit: TimeUnit) => string;
  /** Whether a text matches a regular expression that both engines know. */
  readonly matches: (text: string, pattern: string) => string;
  /** A field of a JSON object, as text. */
  readonly jsonText: (json: string, field: string) => string;
  /** The host of a URL. */
  readonly hostOf: (url: string) => string;
  /** What stands for a text where it only matters whether two are the same; it may be kept. */
  readonly identity: (text: string) => string;
  /** What stands for a session: its key, an identity, and the number of its hour or day. */
  readonly session: (key: string, slot: string) => string;
  /** What stands for the text in a column of facts: the number of a word, or the text itself. */
  readonly keyed: (column: string) => string;
  /** A table of words by their number, `id` and `word`; absent where texts stand for themselves. */
  readonly words?: string;
  /** How many visitors there are in verdicts of Release 5.1 since a time, in all, where that is known sooner than by telling them apart. */
  readonly visitors?: {
    /** A time, `ms`, that the count asks for. */
    readonly openSince: string;
    /** The count, `n`. */
    readonly count: (verdicts: string, fromMs: number, openSinceMs: number) => string;
  };
}

/** What is asked of events about jobs. */
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

/** A text in SQL: both engines take quotes doubled and nothing else as special. */
export const literal = (text: string): string => `'${text.replaceAll('\0', '\u{FFFD}').replaceAll("'", "''")}'`;
export const literals = (texts: readonly string[]): string => texts.map(literal).join(', ');
