/** How long a source of events has been silent, compared with its past. */
export interface Silence {
  readonly source: string;
  /** When its last event was accepted, Unix milliseconds. */
  readonly last_ms: number;
  readonly silent_s: number;
  /** Median of the pauses between its events, seconds; null while too few are known. */
  readonly usual_s: number | null;
  /** Its longest known pause, seconds; null while none is known. */
  readonly longest_s: number | null;
  /** How many events these figures come from. */
  readonly events: number;
  /** Whether the present pause is more than half as long again as its longest known pause. */
  readonly unusual: boolean;
}

/** From fewer pauses, one cannot tell what is usual. */
const KNOWN_LEAST = 20;
/** Shorter silence is never unusual. */
const SILENCE_LEAST_MS = 60_000;
const LONGER_BY = 1.5;
/** Classes of pauses, each twice as long as the one before, up to years. */
const CLASSES = 40;
/** `source` has only a few values. Any beyond this number are ignored. */
const SOURCES_MAX = 50;

interface Pauses {
  firstMs: number;
  lastMs: number;
  events: number;
  longestMs: number;
  readonly classes: number[];
}

/** Learns the pauses between the events of each source, from the journal and from accepted events. */
export class SilenceWatch {
  readonly #sources = new Map<string, Pauses>();

  /** @param atMs when the event was accepted: events of the past come youngest first, others as they happen */
  note(source: string, atMs: number): void {
    const known = this.#sources.get(source);
    if (known === undefined) {
      if (this.#sources.size < SOURCES_MAX)
        this.#sources.set(source, {
          firstMs: atMs,
          lastMs: atMs,
          events: 1,
          longestMs: 0,
          classes: Array.from({ length: CLASSES }, () => 0),
        });
      return;
    }
    known.events += 1;
    const pauseMs = atMs >= known.lastMs ? atMs - known.lastMs : Math.max(0, known.firstMs - atMs);
    known.firstMs = Math.min(known.firstMs, atMs);
    known.lastMs = Math.max(known.lastMs, atMs);
    known.longestMs = Math.max(known.longestMs, pauseMs);
    const place = Math.min(CLASSES - 1, Math.floor(Math.log2(pauseMs + 1)));
    known.classes[place] = (known.classes[place] ?? 0) + 1;
  }

  /** All known sources, the one that has been silent longest first. */
  state(nowMs: number): readonly Silence[] {
    return [...this.#sources]
      .map(([source, { lastMs, events, longestMs, classes }]) => {
        const silentMs = Math.max(0, nowMs - lastMs);
        const isKnown = events > KNOWN_LEAST;
        return {
          source,
          last_ms: lastMs,
          silent_s: Math.round(silentMs / 1000),
          usual_s: isKnown ? medianMs(classes) / 1000 : null,
          longest_s: events > 1 ? longestMs / 1000 : null,
          events,
          unusual: isKnown && silentMs > SILENCE_LEAST_MS && silentMs > longestMs * LONGER_BY,
        };
      })
      .toSorted((a, b) => b.silent_s - a.silent_s);
  }
}

/** The middle of the class that holds the median. */
function medianMs(classes: readonly number[]): number {
  const half = classes.reduce((sum, count) => sum + count, 0) / 2;
  let below = 0;
  const place = classes.findIndex((count) => (below += count) >= half);
  return place <= 0 ? 0 : Math.round(2 ** place * 1.5) - 1;
}
