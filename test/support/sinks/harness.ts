import type { SinkDefinition } from '../../../sinks/sink.ts';

/**
 * What can go wrong with a service, by name.
 *
 * - `throttled`: the next request is answered with 429 and `Retry-After: 1`, or as the service says it; nothing is stored
 * - `failing`: the next two requests are answered with 500, or as the service fails; nothing is stored
 * - `silent`: the next request is taken, and never answered; nothing is stored
 * - `cut`: the next request is stored, and the connection breaks within the answer
 * - `drip`: the next request is stored, and the answer comes slower than the sink's time-out
 * - `half_stored`: of the next batch the first half is stored, and then the service fails; only where it has no transactions
 * - `small`: until healed, requests of more than 10 events are too large for it
 * - `unauthorised`: until healed, it refuses the sink's key, or its user
 * - `away`: until healed, nobody listens
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

/** A service of the test's own that behaves as the real one's documentation says, or the real one. */
export interface TestService extends AsyncDisposable {
  /** The sink's settings, as they would stand in the configuration file under its name. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** Has a fault from now on. Only those are asked for that the harness names. */
  fault(name: FaultName): void | Promise<void>;
  /** Ends every fault. */
  heal(): void | Promise<void>;
  /** From now on it refuses these events, and no others, whenever they come. Only where the harness says that it can. */
  refuse?(ids: readonly string[]): void | Promise<void>;
  /** Ids of what the store has, in the order in which it took them; one that is stored twice stands there twice. */
  storedIds(): Promise<readonly string[]>;
  /** Everything it was sent, or has, as text: what must never leave is looked for in it. */
  storedText(): Promise<string>;
  /** What was wrong with the requests by the service's documentation: beyond a limit, a missing field. Empty at the end of every test. */
  complaints?(): readonly string[];
}

/** How the contract suite, and the run of all sinks, meet one kind of sink. */
export interface SinkHarness {
  readonly definition: SinkDefinition<unknown>;
  readonly faults: readonly FaultName[];
  /** Whether the service refuses single events for good, and whether it names them (`partial`) or not (`rejected`). */
  readonly refuses: 'named' | 'unnamed' | false;
  /** Settings with which a busy machine is no fault, for the run of all sinks; `start` gives those of a test of faults. */
  readonly patient?: Readonly<Record<string, unknown>>;
  start(): Promise<TestService>;
}
