import { setImmediate as nextTurn } from 'node:timers/promises';
import type { FlatBody } from '../../taxonomy/flat-body.ts';
import type { History } from '../api/history-page.ts';
import type { Cursor, HeldGroup, Journal } from '../journal/journal.ts';
import type { Readiness } from '../readiness.ts';
import { VERSION } from '../../runtime/version.ts';
import { backlogOf, type BacklogState } from './backlog.ts';
import type { ProgramState, ProgramWatch } from './programs.ts';
import { ReadingWatch, type Reading } from './readings.ts';
import { SilenceWatch, type Silence } from './silence.ts';

/** Answer of GET /api/v1/overview: facts from which a reader can tell whether all is well. */
export interface Overview {
  readonly now_ms: number;
  readonly version: string;
  readonly readiness: Readiness;
  readonly backlog: BacklogState;
  /** Events that no queue took, by reason and type. */
  readonly held: readonly {
    readonly reason: string;
    readonly type: string;
    readonly events: number;
    readonly since_ms: number;
  }[];
  readonly rejected: number;
  /** False while events from before this start are still being read from the journal. */
  readonly complete: boolean;
  readonly sources: readonly Silence[];
  readonly probes: readonly Reading[];
  readonly programs: readonly ProgramState[];
  readonly traces_url: string | null;
}

export interface OverviewParts {
  readonly journal: Pick<Journal, 'read' | 'stats' | 'heldGroups'> & History;
  readonly settled: () => Cursor;
  readonly readiness: () => Readiness;
  readonly programs: Pick<ProgramWatch, 'state'>;
  readonly tracesUrl: string | undefined;
  readonly now: () => number;
}

/** Several pages may ask at once, so the overview is computed at most once a second. */
const FRESH_MS = 1000;
/** Most events, and readings, that a start reads from the journal. */
const EVENTS_MAX = 50_000;
const READINGS_MAX = 5_000;
const SOURCE = /"source":"([a-z_]+)"/;

/** The overview, collected from the journal at the start and from events as they arrive. */
export class OverviewWatch {
  readonly #parts: OverviewParts;
  readonly #silence = new SilenceWatch();
  readonly #readings = new ReadingWatch();
  #complete = false;
  #stopped = false;
  #last: Overview | undefined;

  constructor(parts: OverviewParts) {
    this.#parts = parts;
  }

  accepted(body: FlatBody): void {
    if (typeof body.source === 'string') this.#silence.note(body.source, this.#parts.now());
    if (body.event === 'health.ping') this.#readings.note(body);
  }

  /** Reads earlier events from the journal, the youngest first, and yields to other work. */
  async readBack(): Promise<void> {
    const { journal } = this.#parts;
    let [events, readings] = [0, 0];
    for (const { atMs, lines } of journal.scan({ direction: 'desc' })) {
      for (const line of lines) {
        const source = SOURCE.exec(line)?.[1];
        if (source !== undefined) this.#silence.note(source, atMs);
      }
      events += lines.length;
      await nextTurn();
      if (events >= EVENTS_MAX || this.#stopped) break;
    }
    if (this.#stopped) return;
    for (const { lines } of journal.scan({ direction: 'desc', types: ['health.ping'] })) {
      for (const line of lines.toReversed()) {
        if (!line.includes('"event":"health.ping"')) continue;
        this.#readings.note(JSON.parse(line) as FlatBody);
        readings += 1;
      }
      await nextTurn();
      if (readings >= READINGS_MAX || this.#stopped) break;
    }
    this.#complete = true;
  }

  stop(): void {
    this.#stopped = true;
  }

  get state(): Overview {
    const { journal, settled, readiness, programs, tracesUrl, now } = this.#parts;
    const nowMs = now();
    if (this.#last !== undefined && nowMs - this.#last.now_ms < FRESH_MS && nowMs >= this.#last.now_ms)
      return this.#last;
    const { backlogBytes, rejected } = journal.stats();
    this.#last = {
      now_ms: nowMs,
      version: VERSION,
      readiness: readiness(),
      backlog: backlogOf((row, bytes) => journal.read(row, bytes), settled(), backlogBytes, nowMs),
      held: journal.heldGroups().map(heldOf),
      rejected,
      complete: this.#complete,
      sources: this.#silence.state(nowMs),
      probes: this.#readings.state(nowMs),
      programs: programs.state,
      traces_url: tracesUrl?.replace(/\/+$/, '') ?? null,
    };
    return this.#last;
  }
}

const heldOf = ({ reason, type, events, oldest }: HeldGroup): Overview['held'][number] => ({
  reason,
  type,
  events,
  since_ms: oldest.sinceMs,
});
