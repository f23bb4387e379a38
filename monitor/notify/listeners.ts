import { randomUUID } from 'node:crypto';
import type { Logger } from '../../runtime/logging.ts';
import type { PlannedNotifier } from '../config/config.ts';
import type { ObservedReading } from '../metrics.ts';
import type { Step } from '../state/health-state.ts';
import type { MonitorStore } from '../state/store.ts';
import { createNotifiers } from './create-notifier.ts';
import { Delivery } from './delivery.ts';
import { decide, NOTHING_TOLD, quietHours, type Policy } from './policy.ts';

export interface ListenersOptions {
  readonly notifiers: readonly PlannedNotifier[];
  readonly instance: string | undefined;
  readonly store: MonitorStore;
  /** Removes secrets from a text. */
  readonly scrub: (text: string) => string;
  readonly onOutcome: (notifier: string, outcome: string) => void;
  readonly log: Logger;
}

/** All notifiers. */
export interface Listeners {
  /**
   * Notifies every recipient who should hear of the reading now.
   *
   * @param subject what the reading is about, the same each time
   */
  hear(subject: string, reading: ObservedReading, step: Step, atMs: number): void;
  stop(): Promise<void>;
}

const TIMEOUT_MS = 15_000;
const GIVE_UP_MS = 24 * 3_600_000;

/** Starts delivery of waiting messages, and of those to come. */
export function startListeners({ notifiers, instance, store, scrub, onOutcome, log }: ListenersOptions): Listeners {
  const all = notifiers.map((settings) => ({
    settings,
    policy: policyOf(settings),
    deliveries: createNotifiers(settings).map(
      ({ outbox, notifier }) =>
        new Delivery({
          name: outbox,
          notifier,
          store,
          timeoutMs: settings.timeout ?? TIMEOUT_MS,
          giveUpMs: settings.give_up_after ?? GIVE_UP_MS,
          scrub,
          onOutcome: (outcome) => onOutcome(settings.name, outcome),
          log,
        }),
    ),
  }));
  return {
    hear(subject, { probe, component, target, error, measures, tags }, { state, downForS = 0 }, atMs) {
      for (const { settings, policy, deliveries } of all) {
        if (settings.probes !== undefined && !settings.probes.includes(probe)) continue;
        const decision = decide(store.told(settings.name, subject) ?? NOTHING_TOLD, state, atMs, policy);
        if (decision === undefined) continue;
        const { kind } = decision;
        const about = {
          probe,
          component,
          target,
          sinceMs: state.sinceMs,
          atMs,
          downForS,
          error,
          measures,
          tags,
          instance,
        };
        const outboxes = deliveries.map(({ name }) => name);
        store.tell(settings.name, outboxes, subject, decision.state, { id: randomUUID(), kind, ...about });
        for (const delivery of deliveries) delivery.wake();
      }
    },
    stop: async () => void (await Promise.all(all.flatMap(({ deliveries }) => deliveries.map((one) => one.stop())))),
  };
}

function policyOf({
  report = 'changes',
  failures = 1,
  quiet = 0,
  remind,
  quiet_hours: hours,
}: PlannedNotifier): Policy {
  return {
    report,
    failures,
    quietMs: quiet,
    remindMs: remind,
    isQuiet: hours === undefined ? () => false : quietHours(hours.from, hours.to, hours.timezone),
  };
}
