import type { Publisher } from '../exporter/publisher.ts';
import type { HeldReason, Journal } from './journal/journal.ts';
import type { HeldState } from './publishing/held-groups.ts';
import type { UsageProcess } from './usage/usage-process.ts';

interface Check {
  readonly ok: boolean;
  /** What is wrong and what to do; absent if all is well. */
  readonly reason?: string;
  readonly [detail: string]: unknown;
}

/**
 * `ready`: all is well. `degraded`: events are accepted and kept, but not delivered for now. `unavailable`: events
 * cannot be accepted, and producers get 503.
 */
export interface Readiness {
  readonly status: 'ready' | 'degraded' | 'unavailable';
  readonly checks: Readonly<
    Record<'journal' | 'history' | 'broker' | 'backlog' | HeldReason | 'unpublishable', Check> & {
      /** Absent once the ids of earlier events are read. */
      ids?: Check;
      /** Absent if usage is not counted. */
      usage?: Check;
    }
  >;
}

/** The state that the checks read. */
export interface Situation {
  readonly journal: Pick<Journal, 'stats'>;
  readonly publisher: Pick<Publisher, 'state'>;
  /** Events that no queue took. */
  readonly held: HeldState;
  /** Observations held back for a stronger one. */
  readonly waiting: number;
  /** Whether the ids of the dedupe window are still being read from the journal. */
  readonly isRestoring?: boolean;
  /** Why the journal is unusable until a restart. */
  readonly failure: string | undefined;
  /** Accepted events that are missing from the journal. */
  readonly lost: string | undefined;
  /** The process that counts usage; absent if there is none. */
  readonly usage?: Pick<UsageProcess, 'state' | 'problem'> | undefined;
  readonly nowMs: number;
}

/** A backlog is reported once it takes this share of the journal. */
const BACKLOG_SHARE = 0.5;

const FULL = 'The journal is full of events that wait for the broker. Check the broker, or raise JOURNAL_MAX_BYTES';

/** Why events are held, and what to do. */
const HELD = {
  unroutable:
    'No queue is bound that takes them: bind one to clowder.events or clowder.metrics. They are then published without further action',
  nacked:
    'A queue that is bound refuses them, because it is full or its node is down (x-overflow: reject-publish). Check its consumer. They are then published without further action',
} as const satisfies Record<HeldReason, string>;

/** As after an upgrade: nothing is decided before the known ids are read. */
const RESTORING =
  'The collector is reading the ids of earlier events from the journal, as it does once after an upgrade: new events wait until it is done, so that none counts twice';

export function readinessOf(situation: Situation): Readiness {
  const { journal, publisher, held, waiting, isRestoring = false, failure, lost, usage, nowMs } = situation;
  const { backlogBytes, maxBytes, bytes, rejected, unpublishable, refusal } = journal.stats();
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
  const checks = {
    journal: journalCheck,
    history: lost === undefined ? { ok: true } : { ok: false, reason: lost },
    broker,
    backlog,
    unroutable: heldCheck('unroutable', held, nowMs),
    nacked: heldCheck('nacked', held, nowMs),
    unpublishable: unpublishableCheck(unpublishable),
    ...(isRestoring && { ids: { ok: false, reason: RESTORING } }),
    ...(usage !== undefined && { usage: usageCheck(usage, nowMs) }),
  };
  const isWell = Object.values(checks).every(({ ok }) => ok);
  return { status: !journalCheck.ok ? 'unavailable' : isWell ? 'ready' : 'degraded', checks };
}

function heldCheck(reason: HeldReason, held: HeldState, nowMs: number): Check {
  const { events, oldestMs } = held[reason];
  if (oldestMs === undefined) return { ok: true, events };
  const oldest_s = Math.max(0, Math.round((nowMs - oldestMs) / 1000));
  return {
    ok: false,
    events,
    oldest_s,
    reason: `Events are held: ${events}, for up to ${oldest_s} s. ${HELD[reason]}`,
  };
}

function unpublishableCheck(events: number): Check {
  if (events === 0) return { ok: true, events };
  return {
    ok: false,
    events,
    reason: `Events that RabbitMQ refuses for good: ${events}, kept in the rejected store. "rejected list" says why; then "rejected replay", or "rejected discard"`,
  };
}

/** Counting is reported once it is this far behind. */
const BEHIND_MS = 10 * 60_000;

function usageCheck({ state, problem }: Pick<UsageProcess, 'state' | 'problem'>, nowMs: number): Check {
  const countedUntilMs = state?.countedUntilMs;
  const behindMs = countedUntilMs === undefined ? 0 : nowMs - countedUntilMs;
  const missed = state?.missedRows ?? 0;
  const reasons = [
    ...(problem === undefined ? [] : [problem]),
    ...(behindMs > BEHIND_MS ? [`Counting is ${Math.round(behindMs / 60_000)} minutes behind`] : []),
    ...(state?.alerts ?? []).map(({ text }) => text),
    ...(missed > 0 ? [`Batches that the journal deleted before they were counted: ${missed}`] : []),
  ];
  return {
    ok: reasons.length === 0,
    counted_until: countedUntilMs === undefined ? null : new Date(countedUntilMs).toISOString(),
    ...(reasons.length > 0 && { reason: reasons.join('. ') }),
  };
}
