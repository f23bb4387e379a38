import type { SinkDefinition } from '../../../sinks/sink.ts';

/**
 * Faults of a service, by name.
 *
 * - `throttled`: the next request gets 429 and `Retry-After: 1`, or the service's equivalent; nothing is stored
 * - `failing`: the next two requests get 500, or the service's equivalent; nothing is stored
 * - `silent`: the next request is read but never answered; nothing is stored
 * - `cut`: the next request is stored, and the connection breaks within the answer
 * - `drip`: the next request is stored, and the answer takes longer than the sink's time-out
 * - `half_stored`: the first half of the next batch is stored, then the service fails; only for services without transactions
 * - `small`: until healed, requests with more than 10 events are too large
 * - `unauthorised`: until healed, the service refuses the sink's key or user
 * - `away`: until healed, the service does not listen
 */
export const FAULTS = [
  'throttled',
  'failing',
  'silent',
  'cut',
  'drip',
  'half_stored',
  'small',
  'unauthorised',
  'away',
] as const;
export type FaultName = (typeof FAULTS)[number];

/** The real service, or a local one that behaves as the real one's documentation says. */
export interface TestService extends AsyncDisposable {
  /** The sink's settings, as under its name in the configuration file. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** Starts a fault. Called only with those that the harness names. */
  fault(name: FaultName): void | Promise<void>;
  /** Ends every fault. */
  heal(): void | Promise<void>;
  /** From now on refuses exactly these events, whenever they arrive. Only if `refuses` says that it can. */
  refuse?(ids: readonly string[]): void | Promise<void>;
  /** Ids in the store, in order of storage; an event stored twice appears twice. */
  storedIds(): Promise<readonly string[]>;
  /** Everything that the service received or stores, as text: it is searched for what must never leave. */
  storedText(): Promise<string>;
  /**
   * Violations of the service's documentation in the requests: an exceeded limit, a missing field. Must be empty after every
   * test.
   */
  complaints?(): readonly string[];
}

/** One kind of sink, for the contract suite and for the run of all sinks. */
export interface SinkHarness {
  readonly definition: SinkDefinition<unknown>;
  readonly faults: readonly FaultName[];
  /** Whether the service permanently refuses single events, and if so, names them (`partial`) or not (`rejected`). */
  readonly refuses: 'named' | 'unnamed' | false;
  /** Settings that tolerate a busy machine, for the run of all sinks; `start` provides those for fault tests. */
  readonly patient?: Readonly<Record<string, unknown>>;
  start(): Promise<TestService>;
}
