import { CLOCK_AHEAD_MS } from '../../taxonomy/event-types.ts';
import type { AccessLine, LogSource } from './access-line.ts';
import { Tally } from './tally.ts';

/** How old a line may be before it is late, and how long closed windows are remembered. */
export const HORIZON_MS = 7 * 24 * 60 * 60 * 1000;
/** Most lines in open windows; beyond that, the oldest windows close early. */
const LINES_MAX = 1_000_000;

/** A row of the journal from which windows are rebuilt. */
export interface Row {
  readonly id: number;
  /** Open windows that need the row. */
  readonly windows: Set<ConnectionWindow>;
  /** The pending write, until it is on disk; a repeated line of it is acknowledged only after that. */
  written?: Promise<unknown>;
}

/** What one web server saw from `startMs` until before `endMs`. */
export class ConnectionWindow {
  readonly source: LogSource;
  readonly startMs: number;
  readonly endMs: number;
  readonly people = new Tally();
  readonly bots = new Tally();
  /** Its lines by identity, with the row of each. */
  readonly lines = new Map<number, Row>();
  /** When the last new line came, by the wall clock. */
  lastLineMs = 0;

  constructor(source: LogSource, startMs: number, endMs: number) {
    this.source = source;
    this.startMs = startMs;
    this.endMs = endMs;
  }

  /** @returns the rows of its lines */
  rows(): ReadonlySet<Row> {
    return new Set(this.lines.values());
  }
}

/** `repeated`: read or sent again; `late`: its window is closed. */
export type LineVerdict = 'counted' | 'repeated' | 'late';

export interface WindowOptions {
  readonly windowMs: number;
  readonly latenessMs: number;
}

/**
 * Counts access-log lines in windows of event time. A window closes `latenessMs` after its end and after its last new
 * line, so lines that were held up and arrive in a rush, in any order, still find it open. It holds nothing that the
 * journal lacks, has no clock, and does no I/O.
 */
export class ConnectionWindows {
  readonly #options: WindowOptions;
  readonly #open = new Map<string, ConnectionWindow>();
  readonly #closed = new Set<string>();
  #lines = 0;

  constructor(options: WindowOptions) {
    this.#options = options;
  }

  get openCount(): number {
    return this.#open.size;
  }

  /** @param row the row that the line would be stored in */
  offer(line: AccessLine, row: Row, nowMs: number): { readonly verdict: LineVerdict; readonly keptIn?: Row } {
    const endMs = this.#startOf(line) + this.#options.windowMs;
    const isOutside = endMs <= nowMs - HORIZON_MS || endMs > nowMs + CLOCK_AHEAD_MS;
    return isOutside ? { verdict: 'late' } : this.restore(line, row, nowMs);
  }

  /** Counts a line regardless of its age, as one that was counted before a restart. */
  restore(line: AccessLine, row: Row, nowMs: number): { readonly verdict: LineVerdict; readonly keptIn?: Row } {
    const startMs = this.#startOf(line);
    const key = keyOf(line.source, startMs);
    if (this.#closed.has(key)) return { verdict: 'late' };
    let window = this.#open.get(key);
    const keptIn = window?.lines.get(line.id);
    if (keptIn !== undefined) return { verdict: 'repeated', keptIn };
    if (window === undefined) {
      window = new ConnectionWindow(line.source, startMs, startMs + this.#options.windowMs);
      this.#open.set(key, window);
    }
    tallyOf(window, line).add(line);
    window.lines.set(line.id, row);
    window.lastLineMs = nowMs;
    row.windows.add(window);
    this.#lines += 1;
    return { verdict: 'counted' };
  }

  /** Uncounts the lines of a row that could not be saved. */
  takeBack(row: Row, lines: readonly AccessLine[]): void {
    for (const line of lines) {
      const key = keyOf(line.source, this.#startOf(line));
      const window = this.#open.get(key);
      if (window?.lines.get(line.id) !== row) continue;
      tallyOf(window, line).takeBack(line);
      window.lines.delete(line.id);
      this.#lines -= 1;
      if (window.lines.size === 0) this.#open.delete(key);
    }
    row.windows.clear();
  }

  /** Windows that are due and whose lines are all on disk, oldest first. */
  due(nowMs: number): readonly ConnectionWindow[] {
    const settled = nowMs - this.#options.latenessMs;
    let excess = this.#lines - LINES_MAX;
    const oldestFirst = [...this.#open.values()].toSorted((a, b) => a.startMs - b.startMs);
    return oldestFirst.filter((window) => {
      const isDue = settled >= window.endMs && settled >= window.lastLineMs;
      if (!isDue && excess <= 0) return false;
      for (const row of window.rows()) if (row.written !== undefined) return false;
      excess -= window.lines.size;
      return true;
    });
  }

  /** Closes a window: its lines are late from now on. */
  close(window: ConnectionWindow): void {
    const key = keyOf(window.source, window.startMs);
    if (this.#open.delete(key)) this.#lines -= window.lines.size;
    this.#closed.add(key);
  }

  /** Reopens a window whose closing could not be saved. */
  reopen(window: ConnectionWindow): void {
    const key = keyOf(window.source, window.startMs);
    this.#closed.delete(key);
    this.#open.set(key, window);
    this.#lines += window.lines.size;
  }

  /** Restores a window that was closed before a restart. */
  restoreClosed(source: LogSource, startMs: number): void {
    this.#closed.add(keyOf(source, startMs));
  }

  /** Forgets a window that closed so long ago that its lines are late anyway. */
  forgetClosed(source: LogSource, startMs: number): void {
    this.#closed.delete(keyOf(source, startMs));
  }

  #startOf({ atMs }: AccessLine): number {
    const { windowMs } = this.#options;
    return Math.floor(atMs / windowMs) * windowMs;
  }
}

function tallyOf(window: ConnectionWindow, line: AccessLine): Tally {
  return line.isBot ? window.bots : window.people;
}

function keyOf({ instance, component }: LogSource, startMs: number): string {
  return `${startMs}|${instance}|${component}`;
}
