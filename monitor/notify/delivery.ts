import { setTimeout as delay } from 'node:timers/promises';
import { backOff, heeding } from '../../runtime/sending/back-off.ts';
import type { MonitorStore, OutboxRow } from '../state/store.ts';
import { errorText } from '../../runtime/error-text.ts';
import { NotifyError, type Notifier } from './notifier.ts';

export interface DeliveryOptions {
  /** Name of the outbox. */
  readonly name: string;
  readonly notifier: Notifier;
  readonly store: Pick<MonitorStore, 'firstMessage' | 'removeMessage'>;
  /** Time-out of one attempt, in milliseconds. */
  readonly timeoutMs: number;
  /** A message that is undeliverable for this long is dropped, in milliseconds. */
  readonly giveUpMs: number;
  /** Removes secrets from a text. */
  readonly scrub: (text: string) => string;
  readonly onOutcome: (outcome: 'delivered' | 'failed' | 'dropped') => void;
  readonly log: {
    readonly info: (fields: object, message: string) => void;
    readonly warn: (fields: object, message: string) => void;
    readonly error: (fields: object, message: string) => void;
  };
  /** First and longest pause after a failure, in milliseconds. @default 1000, 300000 */
  readonly pauseMs?: { readonly first: number; readonly longest: number };
  /** Unix milliseconds. @default Date.now */
  readonly now?: () => number;
  /** From 0 up to 1. @default Math.random */
  readonly random?: () => number;
}

const PAUSES = { first: 1000, longest: 300_000 };

/** Delivers the messages of one outbox in order, each until it is accepted. It delays no other outbox. */
export class Delivery {
  readonly #options: DeliveryOptions;
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;
  #wakeUp = Promise.withResolvers<void>();
  #failures = 0;

  constructor(options: DeliveryOptions) {
    this.#options = options;
    this.#running = this.#run();
  }

  get name(): string {
    return this.#options.name;
  }

  /** Call this when there is a new message. */
  wake(): void {
    this.#wakeUp.resolve();
  }

  /** Ends the current attempt; undelivered messages wait for the next start. */
  async stop(): Promise<void> {
    this.#stop.abort();
    this.wake();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { name, store } = this.#options;
    const stop = this.#stop.signal;
    while (!stop.aborted) {
      this.#wakeUp = Promise.withResolvers();
      const row = store.firstMessage(name);
      if (row === undefined) {
        await this.#wakeUp.promise;
        continue;
      }
      const pauseMs = await this.#tryOne(row);
      if (pauseMs > 0) await delay(pauseMs, undefined, { signal: stop }).catch(() => undefined);
    }
  }

  /** @returns the pause before the next attempt, in milliseconds */
  async #tryOne(row: OutboxRow): Promise<number> {
    const { name, notifier, store, timeoutMs, giveUpMs, log, onOutcome } = this.#options;
    const { notification } = row;
    const fields = { notifier: name, kind: notification.kind, probe: notification.probe };
    try {
      const signal = AbortSignal.any([this.#stop.signal, AbortSignal.timeout(timeoutMs)]);
      await untilAborted(notifier.deliver(notification, signal), signal);
      store.removeMessage(name, row);
      this.#failures = 0;
      onOutcome('delivered');
      log.info({ ...fields, target: notification.target }, 'notification delivered');
      return 0;
    } catch (error) {
      if (this.#stop.signal.aborted) return 0;
      const reason = this.#options.scrub(errorText(error));
      const tooOld = (this.#options.now ?? Date.now)() - notification.atMs > giveUpMs;
      if (tooOld || (error instanceof NotifyError && error.code === 'refused')) {
        store.removeMessage(name, row);
        onOutcome('dropped');
        log.error({ ...fields, reason }, 'notification dropped: it cannot be delivered');
        return 0;
      }
      this.#failures += 1;
      onOutcome('failed');
      if (this.#failures === 1) log.warn({ ...fields, reason }, 'notification not delivered; trying again');
      const { pauseMs = PAUSES, random = Math.random } = this.#options;
      const wishMs = error instanceof NotifyError ? error.afterMs : undefined;
      return heeding(wishMs, backOff(this.#failures, pauseMs, random));
    }
  }
}

/** A notifier that ignores the signal must not hold up waiting messages. */
async function untilAborted(work: Promise<void>, signal: AbortSignal): Promise<void> {
  const aborted = Promise.withResolvers<never>();
  const abort = (): void => aborted.reject(new Error('no answer in time'));
  signal.addEventListener('abort', abort, { once: true });
  try {
    await Promise.race([work, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
