import type { Period } from '../rules/dialect.ts';
import type { VerdictOptions } from '../rules/verdict.ts';
import type { StoredEvent } from './columns.ts';
import type { Engine } from './engine.ts';

/** Result of storing events. */
export interface Ingested {
  /** New ones. */
  readonly stored: number;
  /** Those already stored, by `event_id`. */
  readonly known: number;
}

export interface Contents {
  readonly events: number;
  /** Times of the first and last event; absent if there is none. */
  readonly firstMs?: number;
  readonly lastMs?: number;
}

/** Called with the progress of long work; both in events. */
export type OnProgress = (done: number, total: number) => void;
/** Places of files and datasets in a catalog. */
export interface CatalogPlaces {
  readonly files: readonly (readonly [fileId: string, datasetId: string])[];
  /** Each dataset at most once. */
  readonly datasets: readonly {
    readonly dataset: string;
    readonly space?: string | undefined;
    readonly collection?: string | undefined;
    /** Whether the dataset is open to all; unknown if left out. */
    readonly isOpen?: boolean | undefined;
  }[];
}

/** What happened over years: each event once, with the rules' verdicts. */
export interface UsageStore {
  readonly engine: Engine;
  /** Whether another process has the store and answers for it, so that files are written by that process. */
  readonly isShared: boolean;
  /**
   * Stores events: all, or none if it throws. An event whose id is stored already stays as it is.
   *
   * @param marks to remember in the same transaction: how far a source was read
   */
  ingest(events: readonly StoredEvent[], marks?: Readonly<Record<string, string>>): Promise<Ingested>;
  /** The value remembered under a name. */
  mark(name: string): Promise<string | undefined>;
  /**
   * The facts with their verdicts, as a relation to select from: columns as in `rules/facts.ts` and `rules/verdict.ts`. It
   * covers what is in the store now.
   */
  verdicts(options: VerdictOptions): Promise<string>;
  /** Events as received, as a relation with the columns of `store/columns.ts`. */
  events(period: Period): string;
  contents(): Promise<Contents>;
  /** Stores a catalog's places of files and datasets, for those that no event places. Replaces the earlier ones. */
  place(places: CatalogPlaces): Promise<void>;
  /** Judges every user agent and address, and places every file and dataset, anew from the events alone. */
  rebuild(onProgress?: OnProgress): Promise<void>;
  /**
   * Removes a user from the events: what they did stays counted, under an id that nobody can trace.
   *
   * @returns how many events named the user
   */
  forget(userId: string, onProgress?: OnProgress): Promise<number>;
  /** Deletes everything before this time. @returns the number of deleted events */
  dropBefore(ms: number): Promise<number>;
  close(): Promise<void>;
}
