import type { Readiness } from './readiness.ts';

/** The part of a pino logger that is used here. */
export interface ReadinessLogger {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

type Check = keyof Readiness['checks'];

/** Log lines for when a check starts and stops failing; undefined: logged elsewhere. */
const SAID = {
  journal: ['events are turned away', 'events are taken again'],
  // Logged when the collector starts.
  history: undefined,
  broker: undefined,
  backlog: ['many events are not published yet', 'the backlog is small again'],
  unroutable: ['events are held: no queue is bound that takes them', 'queues take all types of events again'],
  nacked: ['events are held: a queue refuses them', 'no queue refuses events any more'],
  unpublishable: [
    'RabbitMQ refuses events for good: they are kept in the rejected store',
    'no event that RabbitMQ refuses is in the rejected store any more',
  ],
  ids: [
    'the ids of earlier events are being read from the journal: new events wait meanwhile',
    'ids of earlier events are known',
  ],
  usage: ['usage is not counted as it should be', 'usage is counted again'],
} as const satisfies Record<Check, readonly [begins: string, ends: string] | undefined>;

/** Stands for a check that is absent. */
const WELL = { ok: true, reason: undefined };

/** Logs once when something goes wrong and once when it is right again, however many events are affected. */
export function createReadinessLog(log: ReadinessLogger, now: () => number): (readiness: Readiness) => void {
  const since = new Map<string, number>();
  return function logReadiness({ checks }) {
    for (const [name, said] of Object.entries(SAID)) {
      if (said === undefined) continue;
      const { ok, reason } = checks[name as Check] ?? WELL;
      const sinceMs = since.get(name);
      if (!ok && sinceMs === undefined) {
        since.set(name, now());
        log.warn({ reason }, said[0]);
      } else if (ok && sinceMs !== undefined) {
        since.delete(name);
        log.info({ for_s: Math.round((now() - sinceMs) / 1000) }, said[1]);
      }
    }
  };
}
