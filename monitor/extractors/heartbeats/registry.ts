import { redactExtractorName } from '../../../taxonomy/redaction.ts';
import type { Heartbeat } from '../wire/heartbeat.ts';

export interface RegistryOptions {
  /**
   * The assumed gap between two heartbeats of an instance, until two have come; milliseconds. pyclowder's default is 5
   * minutes.
   */
  readonly intervalMs: number;
  /** An instance is silent after this many missed heartbeats. */
  readonly missed: number;
  /** An extractor that stays silent is forgotten after this, in milliseconds. */
  readonly forgetMs: number;
}

/** An extractor as its heartbeats show it; one entry per queue. */
export interface ExtractorReading {
  /** The queue of its jobs; never shown, because the name may contain a key. */
  readonly queue: string;
  /** Its name, without the key of a private extractor. */
  readonly label: string;
  readonly alive: boolean;
  readonly instances: number;
  /** The value that all living instances agree on; undefined if they differ or none says. */
  readonly version: string | undefined;
  readonly lastHeardMs: number;
  /** When it became alive, or silent. */
  readonly sinceMs: number;
}

/** An extractor appeared, went silent or came back. */
export interface ExtractorChange {
  readonly extractor: ExtractorReading;
  /** How long it was silent; undefined if it was not. */
  readonly silentMs: number | undefined;
}

/** An extractor that an earlier process knew as alive. */
export interface ExpectedExtractor {
  /** Its name. */
  readonly label: string;
  /** When it became alive. */
  readonly sinceMs: number;
}

interface Instance {
  lastMs: number;
  /** The latest gaps between heartbeats, in milliseconds; the longest one counts. */
  gaps: number[];
  /** Whether nothing was missed since its last heartbeat. */
  heardThrough: boolean;
  version: string | undefined;
}

interface Extractor {
  readonly queue: string;
  label: string;
  name: string;
  readonly instances: Map<string, Instance>;
  alive: boolean;
  sinceMs: number;
  lastMs: number;
  /** Only expected; not heard yet. */
  expected?: boolean;
}

/** Anyone may send heartbeats to the exchange, so their number is bounded. */
const EXTRACTORS_MAX = 1000;
const INSTANCES_MAX = 1000;
const GAPS_KEPT = 5;
const GAP_BOUNDS_MS = { min: 1000, max: 60 * 60_000 };
/** How late a heartbeat may be: pyclowder looks at its clock once a second. */
const LATE_MS = 2000;

/** Which extractors are alive, from their heartbeats alone. Times are passed in, as Unix milliseconds. */
export class ExtractorRegistry {
  readonly #options: RegistryOptions;
  readonly #extractors = new Map<string, Extractor>();
  /** By name, computed on demand; every status message asks. */
  readonly #versions = new Map<string, string | undefined>();

  constructor(options: RegistryOptions) {
    this.#options = options;
  }

  /** Expects an extractor before its first heartbeat: if none comes in time, it has gone silent. */
  expect({ label, sinceMs }: ExpectedExtractor): void {
    const before: Instance = { lastMs: 0, gaps: [], heardThrough: false, version: undefined };
    const instances = new Map([['', before]]);
    this.#extractors.set(label, {
      queue: label,
      label,
      name: label,
      instances,
      alive: true,
      sinceMs,
      lastMs: 0,
      expected: true,
    });
  }

  /** @returns the change that the heartbeat makes, if any; `ignored` if there are too many extractors already */
  heard({ instance: id, queue, name, version }: Heartbeat, atMs: number): ExtractorChange | 'ignored' | undefined {
    this.#versions.clear();
    const expected = this.#extractors.get(name);
    if (expected?.expected === true) {
      expected.expected = false;
      expected.instances.clear();
      // The same extractor, by its queue, which only heartbeats reveal.
      if (queue !== name) this.#extractors.delete(name);
    }
    let extractor = this.#extractors.get(queue);
    if (extractor === undefined) {
      if (this.#extractors.size >= EXTRACTORS_MAX) return 'ignored';
      const label = labelOf(queue, name);
      extractor = { queue, label, name, instances: new Map(), alive: false, sinceMs: atMs, lastMs: atMs };
      this.#extractors.set(queue, extractor);
      hear(extractor, id, version, atMs);
      extractor.alive = true;
      return { extractor: reading(extractor), silentMs: undefined };
    }
    if (!extractor.instances.has(id) && extractor.instances.size >= INSTANCES_MAX) return 'ignored';
    Object.assign(extractor, { name, label: labelOf(queue, name) });
    hear(extractor, id, version, atMs);
    if (extractor.alive) return undefined;
    const silentMs = atMs - extractor.sinceMs;
    Object.assign(extractor, { alive: true, sinceMs: atMs });
    return { extractor: reading(extractor), silentMs };
  }

  /** Call this when listening starts again: no instance is late yet, because heartbeats in between were not heard. */
  resumed(atMs: number): void {
    for (const { instances } of this.#extractors.values())
      for (const instance of instances.values()) Object.assign(instance, { lastMs: atMs, heardThrough: false });
  }

  /** @returns the extractors that went silent since the last look */
  check(nowMs: number): readonly ExtractorChange[] {
    const changes: ExtractorChange[] = [];
    this.#versions.clear();
    for (const extractor of this.#extractors.values()) {
      for (const [id, instance] of extractor.instances)
        if (nowMs > this.#deadline(instance)) extractor.instances.delete(id);
      if (extractor.alive && extractor.instances.size === 0) {
        Object.assign(extractor, { alive: false, sinceMs: nowMs });
        changes.push({ extractor: reading(extractor), silentMs: undefined });
      } else if (!extractor.alive && nowMs - extractor.sinceMs > this.#options.forgetMs) {
        this.#extractors.delete(extractor.queue);
      }
    }
    return changes;
  }

  #deadline({ lastMs, gaps }: Instance): number {
    const intervalMs = gaps.length === 0 ? this.#options.intervalMs : Math.max(...gaps);
    return lastMs + this.#options.missed * intervalMs + LATE_MS;
  }

  /** Returns all extractors that were heard, or should have been heard by now. */
  readings(): readonly ExtractorReading[] {
    return [...this.#extractors.values()].filter((one) => one.expected !== true || !one.alive).map(reading);
  }

  /** The public name of a queue's extractor, and its version. */
  ofQueue(queue: string): { readonly label: string; readonly version: string | undefined } {
    const extractor = this.#extractors.get(queue);
    if (extractor === undefined) return { label: redactExtractorName(queue), version: undefined };
    return { label: extractor.label, version: reading(extractor).version };
  }

  /** The version that all extractors with the name have. */
  versionOf(name: string): string | undefined {
    if (!this.#versions.has(name)) {
      const named = [...this.#extractors.values()].filter((one) => one.name === name && one.alive);
      if (this.#versions.size >= EXTRACTORS_MAX) this.#versions.clear();
      this.#versions.set(name, single(named.map((one) => reading(one).version)));
    }
    return this.#versions.get(name);
  }
}

function hear(extractor: Extractor, id: string, version: string | undefined, atMs: number): void {
  const known = extractor.instances.get(id);
  extractor.lastMs = atMs;
  if (known === undefined) {
    extractor.instances.set(id, { lastMs: atMs, gaps: [], heardThrough: true, version });
    return;
  }
  if (known.heardThrough) {
    const gap = Math.min(GAP_BOUNDS_MS.max, Math.max(GAP_BOUNDS_MS.min, atMs - known.lastMs));
    known.gaps = [...known.gaps, gap].slice(-GAPS_KEPT);
  }
  Object.assign(known, { lastMs: atMs, heardThrough: true, version });
}

function reading({ queue, label, alive, instances, lastMs, sinceMs }: Extractor): ExtractorReading {
  const version = single(Array.from(instances.values(), (one) => one.version));
  return { queue, label, alive, instances: instances.size, version, lastHeardMs: lastMs, sinceMs };
}

function single(values: readonly (string | undefined)[]): string | undefined {
  return values.length > 0 && values.every((one) => one === values[0]) ? values[0] : undefined;
}

/** An extractor's name; for a private one, the name of its queue without its owner's key. */
function labelOf(queue: string, name: string): string {
  if (!queue.startsWith('private.')) return name;
  return queue.endsWith(`.${name}`) ? `private.REDACTED.${name}` : redactExtractorName(queue);
}
