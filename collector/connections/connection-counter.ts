import type { FlatBody } from '../../taxonomy/flat-body.ts';
import type { MapContext } from '../../taxonomy/map/context.ts';
import type { CountedRow, Journal } from '../journal/journal.ts';
import type { AccessLine, LogSource } from './access-line.ts';
import { connectionsEvent } from './event.ts';
import { readRow, writeRow } from './rows.ts';
import { ConnectionWindows, HORIZON_MS, type ConnectionWindow, type LineVerdict, type Row } from './windows.ts';

export interface ConnectionCounterOptions {
  readonly journal: Journal;
  readonly windowMs: number;
  readonly latenessMs: number;
  readonly context: MapContext;
  /** Which of several collectors this is: each sees only some of the lines, so its event has its own id. */
  readonly member?: string;
  readonly now: () => number;
  readonly observer: {
    lines(verdict: LineVerdict, count: number): void;
    closed(body: FlatBody): void;
  };
}

interface Batch {
  readonly row: Row;
  readonly lines: AccessLine[];
}

interface ClosedRow {
  readonly id: number;
  readonly source: LogSource;
  readonly startMs: number;
}

/**
 * Counts access-log records into health.connections. Each counted line is in the journal, with its identity, before it
 * is acknowledged, and until its window closes. The event, the deletion of those rows, and the note that the window is
 * closed are one write. So a resent batch, or a restart at any moment, counts nothing twice and loses nothing.
 */
export class ConnectionCounter {
  readonly #options: ConnectionCounterOptions;
  readonly #windows: ConnectionWindows;
  /** Notes of closed windows in the journal, oldest first. */
  #closedRows: ClosedRow[] = [];
  /** Rows of the journal that no window needs; the next closing deletes them. */
  #orphans: number[] = [];
  #nextId = 1;

  constructor(options: ConnectionCounterOptions) {
    this.#options = options;
    this.#windows = new ConnectionWindows(options);
    this.#restore(options.journal.counted());
  }

  get openCount(): number {
    return this.#windows.openCount;
  }

  /**
   * Resolves once every new line is fsynced in the journal, here or by an earlier call.
   *
   * @throws CollectorError journal_full or journal_unavailable if the journal cannot take the lines; none is counted then
   */
  async count(lines: readonly AccessLine[]): Promise<void> {
    if (lines.length === 0) return;
    const { observer } = this.#options;
    const nowMs = this.#options.now();
    const verdicts = { counted: 0, repeated: 0, late: 0 };
    const waitsFor = new Set<Promise<unknown>>();
    const batches = new Map<string, Batch>();
    for (const line of lines) {
      const batch = this.#batchOf(line.source, batches);
      const { verdict, keptIn } = this.#windows.offer(line, batch.row, nowMs);
      verdicts[verdict] += 1;
      if (verdict === 'counted') batch.lines.push(line);
      else if (keptIn?.written !== undefined) waitsFor.add(keptIn.written);
    }
    const fresh = [...batches.values()].filter((batch) => batch.lines.length > 0);
    if (fresh.length > 0) waitsFor.add(this.#keep(fresh));
    await Promise.all(waitsFor);
    for (const verdict of ['counted', 'repeated', 'late'] as const) observer.lines(verdict, verdicts[verdict]);
  }

  /** Closes the windows that are due, each with its event. Called on a timer. */
  async closeDue(): Promise<number> {
    const { context, journal, member, observer } = this.#options;
    const nowMs = this.#options.now();
    const due = this.#windows.due(nowMs);
    if (due.length === 0) return 0;
    const bodies = due.map((window) => connectionsEvent(window, context, member));
    const notes = due.map(({ source, startMs }): ClosedRow => ({ id: this.#takeId(), source, startMs }));
    const outdated = this.#closedRows.filter(({ startMs }) => startMs < nowMs - 2 * HORIZON_MS);
    const orphans = this.#orphans;
    for (const window of due) this.#windows.close(window);
    try {
      await journal.write({
        append: bodies.map((body) => JSON.stringify(body)),
        count: notes.map(({ id, source, startMs }) => ({ id, line: writeRow({ source, closedMs: startMs }) })),
        uncount: [...this.#rowsOnlyIn(due), ...outdated.map(({ id }) => id), ...orphans],
      });
    } catch (error) {
      for (const window of due) this.#windows.reopen(window);
      throw error;
    }
    for (const window of due) for (const row of window.rows()) row.windows.delete(window);
    if (this.#orphans === orphans) this.#orphans = [];
    const forgotten = new Set(outdated);
    for (const { source, startMs } of outdated) this.#windows.forgetClosed(source, startMs);
    this.#closedRows = [...this.#closedRows.filter((one) => !forgotten.has(one)), ...notes];
    for (const body of bodies) observer.closed(body);
    return due.length;
  }

  #batchOf(source: LogSource, batches: Map<string, Batch>): Batch {
    const key = `${source.instance}\n${source.component}`;
    let batch = batches.get(key);
    if (batch === undefined) batches.set(key, (batch = { row: { id: this.#takeId(), windows: new Set() }, lines: [] }));
    return batch;
  }

  #keep(batches: readonly Batch[]): Promise<void> {
    const count = batches.flatMap(({ row, lines: [first, ...others] }) =>
      first === undefined ? [] : [{ id: row.id, line: writeRow({ source: first.source, lines: [first, ...others] }) }],
    );
    const written = this.#write(count, batches);
    for (const { row } of batches) row.written = written;
    return written;
  }

  async #write(count: readonly CountedRow[], batches: readonly Batch[]): Promise<void> {
    try {
      await this.#options.journal.write({ count });
      for (const { row } of batches) delete row.written;
    } catch (error) {
      for (const { row, lines } of batches) this.#windows.takeBack(row, lines);
      throw error;
    }
  }

  /** Rows that no other open window needs. */
  #rowsOnlyIn(closing: readonly ConnectionWindow[]): number[] {
    const windows = new Set(closing);
    const rows = new Set(closing.flatMap((window) => [...window.rows()]));
    return [...rows].filter((row) => [...row.windows].every((window) => windows.has(window))).map(({ id }) => id);
  }

  #takeId(): number {
    this.#nextId += 1;
    return this.#nextId - 1;
  }

  /** After a restart. Nothing could arrive during the downtime, so lateness is measured from now. */
  #restore(rows: readonly CountedRow[]): void {
    const nowMs = this.#options.now();
    const contents = rows.map(({ id, line }) => ({ id, content: readRow(line) }));
    for (const { id, content } of contents) {
      this.#nextId = Math.max(this.#nextId, id + 1);
      if (!('closedMs' in content)) continue;
      this.#closedRows.push({ id, source: content.source, startMs: content.closedMs });
      this.#windows.restoreClosed(content.source, content.closedMs);
    }
    for (const { id, content } of contents) {
      if ('closedMs' in content) continue;
      const row: Row = { id, windows: new Set() };
      for (const line of content.lines) this.#windows.restore(line, row, nowMs);
      if (row.windows.size === 0) this.#orphans.push(id);
    }
  }
}
