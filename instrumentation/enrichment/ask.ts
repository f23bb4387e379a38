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

/** What Clowder answered: its status, and the JSON of a 200. */
export interface Answer {
  readonly status: number;
  readonly body?: Json | undefined;
}

/** Asks Clowder. @throws Error where no proper answer comes */
export type Get = (path: string, headers: Credentials, signal: AbortSignal) => Promise<Answer>;

/** null: Clowder says nothing of it, to whoever asks so. */
export type Asked = { readonly facts: (Facts & User) | null } | { readonly failed: UnenrichedReason };

/** Sends one look-up. It never rejects. */
export type Ask = (lookup: Lookup, path: string, credentials: Credentials) => Promise<Asked>;

export interface AskOptions {
  readonly get: Get;
  readonly stats: EnrichmentStats;
  readonly timeoutMs: number;
  /** Look-ups under way at once. @default 4 */
  readonly concurrent?: number;
  /** Look-ups that wait for their turn. @default 200 */
  readonly queued?: number;
  /** How long Clowder is not asked after failing several times in a row, in milliseconds. @default 30000 */
  readonly pauseMs?: number;
}

const CONCURRENT = 4;
const QUEUED = 200;
const PAUSE_MS = 30_000;
const FAILURES_BEFORE_PAUSE = 5;

/** Few at a time, not for long, and not at all for a while where Clowder fails: it has better things to do. */
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

/** @throws Error where the answer is not about what was asked, but about Clowder's own state */
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
