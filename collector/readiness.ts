import type { Publisher } from '../exporter/publisher.ts';
import type { Journal } from './journal/journal.ts';

interface Check {
  readonly ok: boolean;
  /** What is wrong and what to do; absent where all is well. */
  readonly reason?: string;
  readonly [detail: string]: unknown;
}

/**
 * `ready`: all is well. `degraded`: events are taken and kept, and go nowhere for now. `unavailable`: events cannot be
 * taken, producers get 503.
 */
export interface Readiness {
  readonly status: 'ready' | 'degraded' | 'unavailable';
  readonly checks: { readonly journal: Check; readonly broker: Check; readonly backlog: Check };
}

/** A backlog is worth telling of once it takes this share of the journal. */
const BACKLOG_SHARE = 0.5;

const FULL = 'The journal is full of events that no broker took: see to the broker, or raise JOURNAL_MAX_BYTES';

/**
 * @param failure why the journal's writer is gone
 * @param waiting observations held back for a stronger one
 */
export function readinessOf(
  journal: Pick<Journal, 'stats'>,
  publisher: Pick<Publisher, 'state'>,
  failure: string | undefined,
  waiting: number,
): Readiness {
  const { backlogBytes, maxBytes, bytes, rejected, refusal } = journal.stats();
  const reason = failure ?? (refusal?.code === 'journal_full' ? FULL : refusal?.message);
  const { state } = publisher;
  const journalCheck: Check = {
    ok: reason === undefined,
    bytes,
    max_bytes: maxBytes,
    rejected,
    ...(reason !== undefined && { reason }),
  };
  const broker: Check = {
    ok: state.connected && !state.blocked,
    broker: state.broker,
    unconfirmed: state.unconfirmed,
    ...(state.blocked
      ? { reason: 'RabbitMQ has blocked publishers: it is short of memory or disk' }
      : !state.connected && { reason: state.lastError?.message ?? 'Not connected yet' }),
  };
  const large = backlogBytes > maxBytes * BACKLOG_SHARE;
  const backlog: Check = {
    ok: !large,
    bytes: backlogBytes,
    waiting,
    ...(large && {
      reason: `Events not published yet take ${Math.round((100 * backlogBytes) / maxBytes)} % of the journal`,
    }),
  };
  const status = !journalCheck.ok ? 'unavailable' : broker.ok && backlog.ok ? 'ready' : 'degraded';
  return { status, checks: { journal: journalCheck, broker, backlog } };
}
