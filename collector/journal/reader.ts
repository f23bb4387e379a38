import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { SegmentReader, type Segment, type SegmentKeys } from './segments.ts';
import type {
  CountedRow,
  Cursor,
  HeldEvent,
  HeldGroup,
  HeldLine,
  HeldQuery,
  HeldReason,
  JournalRow,
  RejectedRecord,
} from './types.ts';

export interface ScanOptions {
  readonly direction: 'asc' | 'desc';
  /** Start after this row (asc) or before it (desc). */
  readonly fromRow?: number;
  /** Only rows journaled at or after this time. */
  readonly sinceMs?: number;
  /** Only rows journaled at or before this time. */
  readonly untilMs?: number;
  /** Only rows that may contain an event of these types. */
  readonly types?: readonly string[];
  /** Only rows that contain each of these texts. */
  readonly texts?: readonly string[];
}

/** Rows that a scan holds at once, fewer if they are large. More would only make more garbage. */
const SCAN_ROWS = 50;
const SCAN_BYTES = 128 * 1024;
/** Approximate bytes of held events that are read at once. */
const HELD_BYTES = 1024 * 1024;
const decoder = new TextDecoder();
const END = Number.MAX_SAFE_INTEGER;

type Wanted = Pick<ScanOptions, 'sinceMs' | 'untilMs' | 'types' | 'texts'>;

/** Rows between these two, exclusive. */
interface Range {
  readonly above: number;
  readonly below: number;
}

type PageOf = (range: Range) => Iterable<Record<string, unknown>>;

/** Reads the journal while another process or thread writes it. */
export class JournalReader {
  readonly #database: DatabaseSync;
  readonly #segments: SegmentReader;
  readonly #after: StatementSync;
  readonly #due: StatementSync;
  readonly #rejected: StatementSync;
  readonly #heldEvents: StatementSync;
  readonly #heldGroups: StatementSync;

  constructor(database: DatabaseSync) {
    this.#database = database;
    this.#after = this.#database.prepare('SELECT row, at_ms, lines, bytes, keys FROM batch WHERE row > ? ORDER BY row');
    this.#segments = new SegmentReader(this.#database);
    this.#due = this.#database.prepare('SELECT * FROM held WHERE reason = ? AND due_ms <= ? ORDER BY id LIMIT ?');
    this.#heldEvents = this.#database.prepare(
      'SELECT * FROM held_event INDEXED BY held_event_order WHERE reason = ? AND id > ? AND type IN (SELECT value FROM json_each(?)) ORDER BY id LIMIT ?',
    );
    this.#heldGroups = this.#database.prepare(
      'SELECT g.events, h.* FROM (SELECT count(*) AS events, min(id) AS first FROM held_event GROUP BY reason, type) AS g JOIN held_event AS h ON h.id = g.first',
    );
    this.#rejected = this.#database.prepare('SELECT * FROM rejected WHERE id > ? ORDER BY id LIMIT ?');
  }

  /** Rows after this one, in order, until they reach `maxBytes`; at least one if there is any. */
  read(afterRow: number, maxBytes: number): readonly JournalRow[] {
    const rows: JournalRow[] = [];
    let bytes = 0;
    for (const found of this.#after.iterate(afterRow)) {
      rows.push(toRow(found));
      bytes += Number(found['bytes']);
      if (bytes >= maxBytes) break;
    }
    return rows;
  }

  /**
   * Rows of the history. Rows that cannot match are not read, and the writer may continue. If a whole page has no match, an
   * empty row is given, so that the caller can pause.
   */
  *scan({ direction, fromRow, ...wanted }: ScanOptions): Generator<JournalRow> {
    const skipped = this.#segments.all().filter((segment) => !mayHold(segment, wanted));
    const from = direction === 'asc' ? { above: fromRow ?? 0 } : { below: fromRow ?? END };
    const ranges = rangesBetween(skipped, { above: 0, below: END, ...from });
    const page = this.#pageOf(direction, wanted);
    for (const range of direction === 'asc' ? ranges : ranges.toReversed()) yield* scanRange(range, direction, page);
  }

  /**
   * @returns a function that gives the first rows of a range, with lines only for those that may match: the bytes of others
   * do not leave SQLite
   */
  #pageOf(direction: 'asc' | 'desc', { sinceMs = 0, untilMs = END, types, texts = [] }: Wanted): PageOf {
    const anyOf = types?.map((type) => Buffer.from(`"event":${JSON.stringify(type)}`));
    const allOf = texts.map((text) => Buffer.from(text));
    const has = (): string => 'instr(lines, ?) > 0';
    const conditions = [...(anyOf === undefined ? [] : [`(${anyOf.map(has).join(' OR ')})`]), ...allOf.map(has)];
    const lines = conditions.length === 0 ? 'lines' : `CASE WHEN ${conditions.join(' AND ')} THEN lines END AS lines`;
    const order = direction === 'asc' ? 'row' : 'row DESC';
    const statement = this.#database.prepare(
      `SELECT row, at_ms, length(lines) AS bytes, ${lines}, keys FROM batch WHERE at_ms >= ? AND at_ms <= ? AND row > ? AND row < ? ORDER BY ${order} LIMIT ${SCAN_ROWS}`,
    );
    const given = [...(anyOf ?? []), ...allOf, sinceMs, untilMs];
    return ({ above, below }) => statement.iterate(...given, above, below);
  }

  /** The keys that the journal's events restore in the seen ids, by segment, youngest first. */
  keys(rule: number, sinceMs: number): Generator<SegmentKeys> {
    return this.#segments.keys(rule, sinceMs);
  }

  /** Held lines of that reason that are due, in the order in which they were held. */
  heldDue(reason: HeldLine['reason'], nowMs: number, limit: number): readonly HeldLine[] {
    return this.#due.all(reason, nowMs, limit).map((found) => ({
      id: Number(found['id']),
      line: String(found['line']),
      dueMs: Number(found['due_ms']),
      reason,
      attempts: Number(found['attempts']),
    }));
  }

  /**
   * Events of these types that no queue took, in the order in which they were held; fewer than requested if they are
   * large.
   */
  heldEvents({ reason, types, afterId = 0, limit }: HeldQuery): readonly HeldEvent[] {
    const held: HeldEvent[] = [];
    let bytes = 0;
    for (const found of this.#heldEvents.iterate(reason, afterId, JSON.stringify(types), limit)) {
      const one = toHeldEvent(found);
      held.push(one);
      bytes += one.line.length;
      if (bytes >= HELD_BYTES) break;
    }
    return held;
  }

  /** The number of held events and the oldest one, for each type and reason. */
  heldGroups(): readonly HeldGroup[] {
    return this.#heldGroups.all().map((found) => {
      const oldest = toHeldEvent(found);
      return { reason: oldest.reason, type: oldest.type, events: Number(found['events']), oldest };
    });
  }

  /** Lines of the most recently held events, at most `limit`. */
  latestHeldLines(limit: number): readonly string[] {
    const latest = this.#database.prepare('SELECT line FROM held_event ORDER BY id DESC LIMIT ?');
    return latest.all(limit).map((found) => String(found['line']));
  }

  /** Rows of open windows, in the order in which they were written. */
  counted(): readonly CountedRow[] {
    return this.#database
      .prepare('SELECT id, line FROM counted ORDER BY id')
      .all()
      .map((found) => ({ id: Number(found['id']), line: String(found['line']) }));
  }

  rejected({ limit = 100, afterId = 0 }: { limit?: number; afterId?: number } = {}): readonly RejectedRecord[] {
    return this.#rejected.all(afterId, limit).map((found) => ({
      id: Number(found['id']),
      atMs: Number(found['at_ms']),
      code: String(found['code']),
      message: String(found['message']),
      origin: String(found['origin']),
      record: String(found['record']),
      sender: String(found['sender'] ?? ''),
    }));
  }

  cursor(): Cursor {
    const found = this.#database.prepare('SELECT row, line FROM cursor').get();
    return { row: Number(found?.['row'] ?? 0), index: Number(found?.['line'] ?? 0) };
  }

  lastRow(): number {
    return Number(this.#database.prepare('SELECT max(row) AS last FROM batch').get()?.['last'] ?? 0);
  }

  close(): void {
    this.#database.close();
  }
}

function mayHold(segment: Segment, { sinceMs = 0, untilMs = END, types }: Wanted): boolean {
  if (segment.lastMs < sinceMs || segment.firstMs > untilMs) return false;
  return types === undefined || types.some((type) => segment.types.has(type));
}

/** The parts of a range outside those segments, in order. */
function rangesBetween(skipped: readonly Segment[], { above, below }: Range): Range[] {
  const ranges: Range[] = [];
  let from = above;
  for (const { firstRow, lastRow } of skipped) {
    if (firstRow - from > 1) ranges.push({ above: from, below: Math.min(firstRow, below) });
    from = Math.max(from, lastRow);
  }
  ranges.push({ above: from, below });
  return ranges.filter((range) => range.below - range.above > 1);
}

/** Reads a range one page at a time. */
function* scanRange({ above, below }: Range, direction: 'asc' | 'desc', pageOf: PageOf): Generator<JournalRow> {
  for (let last: number | undefined; ; last = undefined) {
    const page: JournalRow[] = [];
    let [bytes, lastMs] = [0, 0];
    for (const found of pageOf({ above, below })) {
      last = Number(found['row']);
      lastMs = Number(found['at_ms']);
      bytes += Number(found['bytes']);
      if (found['lines'] !== null) page.push(toRow(found));
      if (bytes >= SCAN_BYTES) break;
    }
    yield* page;
    if (last === undefined) return;
    if (page.length === 0) yield { row: last, atMs: lastMs, lines: [], skippedBytes: bytes };
    if (direction === 'asc') above = last;
    else below = last;
  }
}

function toHeldEvent(found: Record<string, unknown>): HeldEvent {
  return {
    id: Number(found['id']),
    reason: found['reason'] as HeldReason,
    type: String(found['type']),
    sinceMs: Number(found['since_ms']),
    line: String(found['line']),
  };
}

function toRow(found: Record<string, unknown>): JournalRow {
  const blob = found['lines'];
  const text = blob instanceof Uint8Array ? decoder.decode(blob) : '';
  const keys = typeof found['keys'] === 'string' ? { keys: found['keys'].split('\n') } : {};
  return { row: Number(found['row']), atMs: Number(found['at_ms']), lines: text.split('\n'), ...keys };
}
