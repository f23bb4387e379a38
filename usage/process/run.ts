import { errorText } from '../../runtime/error-text.ts';
import type { Logger } from '../../runtime/logging.ts';
import type { Clock } from '../../runtime/sending/clock.ts';
import { QuestionError, type StatsAnswer } from '../ask/answer.ts';
import type { Badge } from '../ask/badge.ts';
import type { CounterAnswer } from '../ask/counter.ts';
import type { FromUsage, Question, ToUsage, UsageAlert, UsageState } from '../ask/messages.ts';
import { answerCounter } from '../counter-api/answer.ts';
import type { Site } from '../reports/settings.ts';
import { answerStats } from '../stats/answer.ts';
import { badgeOf } from '../stats/badge.ts';
import type { UsageStore } from '../store/usage-store.ts';
import { alertsOf } from '../watch/alerts.ts';
import { Follower, type EventSource } from './follower.ts';

/** The process that asks and is told how far counting has come. */
export interface Asker {
  send(message: FromUsage): void;
  onMessage(listener: (message: ToUsage) => void): void;
}

export interface UsageProcessOptions {
  readonly store: UsageStore;
  /** The journal; absent if another program fills the store. */
  readonly source?: EventSource | undefined;
  /** Absent if it runs on its own. */
  readonly asker?: Asker | undefined;
  /** Whole months kept besides the current one; all if left out. */
  readonly retentionMonths?: number | undefined;
  /** The site's data for reports. @throws ConfigError */
  readonly site: () => Site;
  readonly clock: Clock;
  readonly log: Logger;
}

const POLL_MS = 1000;
/** How often a store that another program fills is checked. */
const WATCH_MS = 5000;
/** Only the latest months of the table are checked. */
const LATEST_WITHIN_MS = 400 * 24 * 60 * 60 * 1000;
const RETRY_MS = 5000;
const RETENTION_EVERY_MS = 60 * 60 * 1000;
const FIGURES_EVERY_MS = 5 * 60 * 1000;
/** If counting is this far behind, it has itself stopped. */
const BEHIND_MS = 10 * 60 * 1000;

export interface RunningUsage {
  stop(): Promise<void>;
}

/** Counts until stopped: follows the journal and answers questions. */
export function runUsage({
  store,
  source,
  asker,
  retentionMonths,
  site,
  clock,
  log,
}: UsageProcessOptions): RunningUsage {
  const stopping = new AbortController();
  const follower = source === undefined ? undefined : new Follower(source, store, () => clock.now());
  let problem: string | undefined;
  let alerts: readonly UsageAlert[] = [];

  /** If another program fills the store, its latest event is all that can be known. */
  const countedUntil = async (): Promise<number | undefined> =>
    follower === undefined ? latestEventMs(store, clock.now()) : follower.countedUntilMs;

  const stateOf = (countedUntilMs: number | undefined): UsageState => ({
    missedRows: follower?.missedRows ?? 0,
    alerts,
    ...(follower !== undefined && { takenRow: follower.takenRow }),
    ...(countedUntilMs !== undefined && { countedUntilMs }),
    ...(problem !== undefined && { problem }),
  });

  async function watch(): Promise<void> {
    while (!stopping.signal.aborted) {
      let countedUntilMs: number | undefined;
      try {
        countedUntilMs = await countedUntil();
        problem = undefined;
      } catch (error) {
        problem = `The store cannot be asked: ${errorText(error)}`;
      }
      asker?.send({ state: stateOf(countedUntilMs) });
      await clock.wait(WATCH_MS, stopping.signal);
    }
  }

  async function follow(): Promise<void> {
    if (follower === undefined) return watch();
    while (!stopping.signal.aborted) {
      const before = follower.missedRows;
      let pauseMs = POLL_MS;
      try {
        if (await follower.step()) pauseMs = 0;
        problem = undefined;
      } catch (error) {
        if (problem === undefined) log.error({ err: error }, 'events could not be counted; trying again');
        problem = `Events cannot be counted: ${errorText(error)}`;
        pauseMs = RETRY_MS;
      }
      if (follower.missedRows > before)
        log.error({ rows: follower.missedRows - before }, 'the journal deleted events before they were counted');
      asker?.send({ state: stateOf(follower.countedUntilMs) });
      if (pauseMs > 0) await clock.wait(pauseMs, stopping.signal);
    }
  }

  async function answerTo(
    question: Question,
  ): Promise<{ answer: StatsAnswer } | { counter: CounterAnswer } | { badge: Badge | null }> {
    const nowMs = clock.now();
    if ('counter' in question)
      return { counter: await answerCounter({ store, site: site(), nowMs }, question.counter) };
    const until = await countedUntil();
    if ('badge' in question) return { badge: await badgeOf(store, question.badge, nowMs, until) };
    return { answer: await answerStats(store, question.query, until, { named: question.named }) };
  }

  async function reply({ ask, ...question }: ToUsage): Promise<void> {
    try {
      asker?.send({ answers: ask, ...(await answerTo(question)) });
    } catch (error) {
      const known = error instanceof QuestionError;
      if (!known) log.error({ err: error }, 'a question could not be answered');
      const message = known ? error.message : `The question could not be answered: ${errorText(error)}`;
      asker?.send({ answers: ask, code: known ? error.code : 'unavailable', message });
    }
  }

  async function keepRetention(months: number): Promise<void> {
    while (!stopping.signal.aborted) {
      try {
        const dropped = await store.dropBefore(startOfMonthBefore(clock.now(), months));
        if (dropped > 0) log.info({ events: dropped }, 'old months of usage dropped');
      } catch (error) {
        log.warn({ err: error }, 'old months of usage not dropped yet; trying again in an hour');
      }
      await clock.wait(RETENTION_EVERY_MS, stopping.signal);
    }
  }

  /** Checks whether something is no longer counted. */
  async function watchFigures(): Promise<void> {
    while (!stopping.signal.aborted) {
      const untilMs = follower === undefined ? clock.now() : (follower.countedUntilMs ?? 0);
      try {
        if (clock.now() - untilMs < BEHIND_MS) {
          alerts = await alertsOf(store, untilMs);
          asker?.send({ state: stateOf(await countedUntil()) });
        }
      } catch (error) {
        log.warn({ err: error }, 'the check whether counting has stopped failed; trying again');
      }
      await clock.wait(FIGURES_EVERY_MS, stopping.signal);
    }
  }

  const asking = new Set<Promise<void>>();
  asker?.onMessage((message) => {
    const replying = reply(message).finally(() => asking.delete(replying));
    asking.add(replying);
  });
  const following = follow();
  const watching = watchFigures();
  const keeping = retentionMonths === undefined ? undefined : keepRetention(retentionMonths);
  return {
    async stop() {
      stopping.abort();
      await following;
      await watching;
      await keeping;
      await Promise.all(asking);
      await store.close();
    },
  };
}

/** Time of the latest event in the store, ignoring events from fast clocks. */
async function latestEventMs(store: UsageStore, nowMs: number): Promise<number | undefined> {
  const period = { fromMs: Math.max(0, nowMs - LATEST_WITHIN_MS), toMs: nowMs + 1 };
  const [row] = await store.engine.query<{ latest: number | null }>(
    `SELECT max(created) AS latest FROM ${store.events(period)} e`,
  );
  return row?.latest ?? undefined;
}

/** Start of the month, in UTC, that is this many months before the given time. */
function startOfMonthBefore(nowMs: number, months: number): number {
  const now = new Date(nowMs);
  return Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - months);
}
