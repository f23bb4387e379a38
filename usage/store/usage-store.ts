import type { Period } from '../rules/dialect.ts';
import type { VerdictOptions } from '../rules/verdict.ts';
import type { StoredEvent } from './columns.ts';
import type { Engine } from './engine.ts';

/** What became of events that came in. */
export interface Ingested {
  /** New ones. */
  readonly stored: number;
  /** Those that were there already, by their `event_id`. */
  readonly known: number;
}

/** What is in the store. */
export interface Contents {
  readonly events: number;
  /** When the first and the last event happened; absent where there is none. */
  readonly firstMs?: number;
  readonly lastMs?: number;
}

/** Told how much of some long work is done; both in events. */
export type OnProgress = (done: number, total: number) => void;
/** Where a catalog has files and datasets. */
export interface CatalogPlaces {
  readonly files: readonly (readonly [fileId: string, datasetId: string])[];
  /** A dataset once at most. */
  readonly datasets: readonly {
    readonly dataset: string;
    readonly space?: string | undefined;
    readonly collection?: string | undefined;
    /** Whether everybody may see it; not known where it is left out. */
    readonly isOpen?: boolean | undefined;
  }[];
}

/** What happened, for years: each event once, and the verdicts of the rules on it. */
export interface UsageStore {
  readonly engine: Engine;
  /** Whether another process has it, and answers for it: what it writes, it writes there. */
  readonly isShared: boolean;
  /**
   * Takes events in: all of them or, where it throws, none. One that is there already, by its id, is left as it is.
   *
   * @param marks what is remembered with them, in the same transaction: how far a source was read
   */
  ingest(events: readonly StoredEvent[], marks?: Readonly<Record<string, string>>): Promise<Ingested>;
  /** What was remembered under a name. */
  mark(name: string): Promise<string | undefined>;
  /**
   * The facts with their verdicts as a relation to select from: columns as in `rules/facts.ts` and `rules/verdict.ts`.
   * It stands for what is in the store now.
   */
  verdicts(options: VerdictOptions): Promise<string>;
  /** Events as they came, as a relation with the columns of `store/columns.ts`. */
  events(period: Period): string;
  contents(): Promise<Contents>;
  /** Where files and datasets are by a catalog: for those that no event places. Replaces what it had. */
  place(places: CatalogPlaces): Promise<void>;
  /** Judges every user agent and address and places every file and dataset anew, from the events alone. */
  rebuild(onProgress?: OnProgress): Promise<void>;
  /**
   * Takes a user out of the events: what they did stays counted, as somebody's whom nobody can name.
   *
   * @returns how many events named them
   */
  forget(userId: string, onProgress?: OnProgress): Promise<number>;
  /** Lets go of what happened before. @returns how many events that were */
  dropBefore(ms: number): Promise<number>;
  close(): Promise<void>;
}
