import {
  BrokenCircuitError,
  BulkheadRejectedError,
  ConsecutiveBreaker,
  TaskCancelledError,
  TimeoutStrategy,
  bulkhead,
  circuitBreaker,
  handleAll,
  timeout,
  wrap,
} from 'cockatiel';
import type { Json } from '../../taxonomy/http/types.ts';
import type { Credentials } from './credentials.ts';
import { meaningOf } from '../../runtime/sending/status.ts';
import { readAnswer, type Facts, type Lookup, type User } from './lookups.ts';
import { addTo, type EnrichmentStats, type UnenrichedReason } from './stats.ts';

/** Clowder's answer: its status, and the JSON of a 200. */
export interface Answer {
  readonly status: number;
  readonly body?: Json | undefined;
}

/** Asks Clowder. @throws Error if no proper answer comes */
export type Get = (path: string, headers: Credentials, signal: AbortSignal) => Promise<Answer>;

/** null: Clowder tells this caller nothing about it. */
export type Asked = { readonly facts: (Facts & User) | null } | { readonly failed: UnenrichedReason };

/** Sends one look-up. Never rejects. */
export type Ask = (lookup: Lookup, path: string, credentials: Credentials) => Promise<Asked>;

export interface AskOptions {
  readonly get: Get;
  readonly stats: EnrichmentStats;
  readonly timeoutMs: number;
  /** Concurrent look-ups. @default 4 */
  readonly concurrent?: number;
  /** Look-ups that may wait for their turn. @default 200 */
  readonly queued?: number;
  /** How long look-ups pause after several failures in a row, in milliseconds. @default 30000 */
  readonly pauseMs?: number;
}

const CONCURRENT = 4;
const QUEUED = 200;
const PAUSE_MS = 30_000;
const FAILURES_BEFORE_PAUSE = 5;

/** Protects Clowder: few look-ups at a time, each with a time-out, and none for a while after repeated failures. */
export function createAsk({ get, stats, timeoutMs, ...limits }: AskOptions): Ask {
  const policy = wrap(
    bulkhead(limits.concurrent ?? CONCURRENT, limits.queued ?? QUEUED),
    circuitBreaker(handleAll, {
      halfOpenAfter: limits.pauseMs ?? PAUSE_MS,
      breaker: new ConsecutiveBreaker(FAILURES_BEFORE_PAUSE),
    }),
    timeout(timeoutMs, TimeoutStrategy.Aggressive).dangerouslyUnref(),
  );
  return async (lookup, path, credentials) => {
    try {
      const { status, body } = await policy.execute(async ({ signal }) =>
        properly(await get(path, credentials, signal)),
      );
      const facts = status === 200 ? (readAnswer(body, lookup.places) ?? null) : null;
      addTo(stats.lookups, facts === null ? 'none' : 'found');
      return { facts };
    } catch (error) {
      const failed = reasonOf(error);
      addTo(stats.lookups, failed);
      return { failed };
    }
  };
}

/** @throws Error if the answer tells of Clowder's own state, not of what was asked */
function properly(answer: Answer): Answer {
  if (meaningOf(answer.status) === 'retry') throw new Error(`Clowder answered ${answer.status}`);
  return answer;
}

const REASONS: readonly (readonly [abstract new (...args: never) => Error, UnenrichedReason])[] = [
  [BulkheadRejectedError, 'busy'],
  [BrokenCircuitError, 'paused'],
  [TaskCancelledError, 'timeout'],
];

const reasonOf = (error: unknown): UnenrichedReason => REASONS.find(([kind]) => error instanceof kind)?.[1] ?? 'failed';
