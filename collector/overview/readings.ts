import type { FlatBody } from '../../taxonomy/flat-body.ts';

/** The latest reading of one target of the monitor. */
export interface Reading {
  readonly target: string;
  readonly component: string | null;
  readonly probe: string | null;
  readonly healthy: boolean;
  readonly at_ms: number;
  /** Since when `healthy` has not changed, as far back as readings are known. */
  readonly since_ms: number;
  /** Whether readings stopped coming: none for more than three intervals, and more than five minutes. */
  readonly stale: boolean;
  readonly error: string | null;
  /** The measured values, by their field names in `health.ping`. */
  readonly measures: Readonly<Record<string, number | boolean | string>>;
}

const READINGS_MAX = 1000;
const STALE_LEAST_MS = 5 * 60_000;
const STALE_INTERVALS = 3;

const OF_THE_EVENT = new Set(['target', 'component', 'probe', 'healthy', 'error', 'changed', 'event', 'event_id', 'created', 'source', 'category', 'type', 'size', 'service_name', 'uptime', 'trace_id', 'span_id', 'clowder_instance']); // prettier-ignore

interface Known {
  readonly body: FlatBody;
  readonly sinceMs: number;
  /** Time between the two latest readings. */
  readonly everyMs: number;
}

/** Keeps the latest `health.ping` of each target. */
export class ReadingWatch {
  readonly #known = new Map<string, Known>();

  /** Takes readings in any order. @param body a `health.ping` */
  note(body: FlatBody): void {
    const key = JSON.stringify([body['component'], body['target']]);
    const known = this.#known.get(key);
    if (known === undefined) {
      if (this.#known.size < READINGS_MAX) this.#known.set(key, { body, sinceMs: body.created, everyMs: 0 });
      return;
    }
    const isNewer = body.created >= known.body.created;
    const [older, newer] = isNewer ? [known.body, body] : [body, known.body];
    const isSame = older['healthy'] === newer['healthy'];
    this.#known.set(key, {
      body: newer,
      sinceMs: isNewer
        ? isSame
          ? known.sinceMs
          : body.created
        : isSame
          ? Math.min(known.sinceMs, body.created)
          : known.sinceMs,
      everyMs: isNewer || known.everyMs === 0 ? newer.created - older.created : known.everyMs,
    });
  }

  /** The latest readings, unhealthy ones first. */
  state(nowMs: number): readonly Reading[] {
    return [...this.#known.values()]
      .map(({ body, sinceMs, everyMs }) => ({
        target: String(body['target'] ?? ''),
        component: textOf(body['component']),
        probe: textOf(body['probe']),
        healthy: body['healthy'] === true,
        at_ms: body.created,
        since_ms: sinceMs,
        stale: nowMs - body.created > Math.max(STALE_LEAST_MS, STALE_INTERVALS * everyMs),
        error: textOf(body['error']),
        measures: measuresOf(body),
      }))
      .toSorted((a, b) => Number(a.healthy) - Number(b.healthy) || a.target.localeCompare(b.target));
  }
}

const textOf = (value: unknown): string | null => (typeof value === 'string' ? value : null);

function measuresOf(body: FlatBody): Reading['measures'] {
  const entries = Object.entries(body).filter(
    (entry): entry is [string, number | boolean | string] =>
      !OF_THE_EVENT.has(entry[0]) && ['number', 'boolean', 'string'].includes(typeof entry[1]),
  );
  return Object.fromEntries(entries);
}
