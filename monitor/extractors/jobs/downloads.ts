import type { Job } from './job.ts';

/** A download by an extractor, as the proxy saw it (`view.download` with `client_kind: extractor`). */
export interface Download {
  readonly eventId: string;
  readonly atMs: number;
  /** A file or a dataset. */
  readonly resourceId: string;
  /** The dataset of a file, if known. */
  readonly datasetId: string | undefined;
  readonly bytes: number;
}

/** When a job ran; `toMs` is undefined while it runs. */
export interface Work {
  readonly key: string;
  readonly fromMs: number;
  readonly toMs: number | undefined;
}

/** How many downloads are kept. */
const KEPT = 20_000;
/**
 * pyclowder serves its connection once a second, so a status message may leave up to a second after the work began. Also, the
 * clocks of two proxies differ a little.
 */
const EARLY_MS = 2000;

/** What an extractor works on, to recognise its downloads. */
export function worksOn(job: Job): string | undefined {
  return job.subject?.fileId ?? job.subject?.datasetId;
}

/** When a job ran; undefined if its beginning was not seen. */
export function workOf({ key, startedMs, endedMs }: Job): Work | undefined {
  return startedMs === undefined ? undefined : { key, fromMs: startedMs - EARLY_MS, toMs: endedMs };
}

/** The extractors' recent downloads, and which jobs they belong to. */
export class Downloads {
  readonly #byResource = new Map<string, Download[]>();
  readonly #order: Download[] = [];
  readonly #ids = new Set<string>();
  /** Every download since this time was seen; undefined while we do not listen. */
  #completeSinceMs: number | undefined;

  /** Call this when listening starts: earlier downloads may have been missed. */
  begin(atMs: number): void {
    this.#completeSinceMs = atMs;
  }

  /** Call this when listening ends. */
  end(): void {
    this.#completeSinceMs = undefined;
  }

  add(download: Download): void {
    if (this.#ids.has(download.eventId)) return;
    this.#ids.add(download.eventId);
    this.#order.push(download);
    for (const id of resourcesOf(download)) {
      const known = this.#byResource.get(id);
      if (known === undefined) this.#byResource.set(id, [download]);
      else known.push(download);
    }
    if (this.#order.length > KEPT) this.#forgetOldest();
  }

  #forgetOldest(): void {
    const oldest = this.#order.shift();
    if (oldest === undefined) return;
    this.#ids.delete(oldest.eventId);
    for (const id of resourcesOf(oldest)) {
      const left = this.#byResource.get(id)?.filter((one) => one !== oldest) ?? [];
      if (left.length === 0) this.#byResource.delete(id);
      else this.#byResource.set(id, left);
    }
    if (this.#completeSinceMs !== undefined) this.#completeSinceMs = Math.max(this.#completeSinceMs, oldest.atMs + 1);
  }

  /**
   * The bytes that a job's extractor downloaded for it: downloads of the job's input, made while it ran.
   *
   * @param others other jobs on the same input at the time
   * @returns undefined if no download was seen, not all were seen, or one may belong to another job
   */
  bytesOf(job: Job, others: (resourceId: string) => readonly Work[]): number | undefined {
    const resource = worksOn(job);
    const work = workOf(job);
    if (resource === undefined || work === undefined) return undefined;
    if (this.#completeSinceMs === undefined || this.#completeSinceMs > work.fromMs) return undefined;
    let bytes: number | undefined;
    for (const download of this.#byResource.get(resource) ?? []) {
      if (!isWithin(download, work)) continue;
      const rivals = resourcesOf(download)
        .flatMap(others)
        .filter((other) => other.key !== job.key && isWithin(download, other));
      if (rivals.length > 0) return undefined;
      bytes = (bytes ?? 0) + download.bytes;
    }
    return bytes;
  }
}

/** A job on a dataset may download its files one by one. */
function resourcesOf({ resourceId, datasetId }: Download): readonly string[] {
  return datasetId === undefined || datasetId === resourceId ? [resourceId] : [resourceId, datasetId];
}

function isWithin({ atMs }: Download, { fromMs, toMs }: Work): boolean {
  return atMs >= fromMs && (toMs === undefined || atMs <= toMs);
}
