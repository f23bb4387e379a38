import { setTimeout as delay } from 'node:timers/promises';
import { UNPUBLISHABLE, type Cursor, type HeldEvent, type Journal, type RejectedRecord } from '../journal/journal.ts';
import type { Flight } from './flights.ts';
import { HELD_FOR, typeOf } from './publish-line.ts';

/** An event that was not published, on its way out of the stream. */
export interface Aside {
  /** Its place in the stream. */
  readonly flight: Flight;
  readonly line: string;
  /** As the publisher reported. */
  readonly outcome: 'returned' | 'nacked' | 'refused';
  readonly reason: string | undefined;
}

export interface AsideOptions {
  readonly journal: Pick<Journal, 'write'>;
  readonly now: () => number;
  /** The cursor once these are settled. It is written with them, so that a restart does not hold an event twice. */
  readonly cursorAfter: (flights: readonly Flight[]) => Cursor;
  readonly onKept: (flights: readonly Flight[], held: readonly Omit<HeldEvent, 'id'>[]) => void;
  readonly onError: (error: unknown) => void;
}

const AGAIN_MS = 1000;
/** Approximate characters that one change moves. On a full disk, it needs room for all of them at once. */
export const MOVED_AT_ONCE = 128 * 1024;

/**
 * Moves events out of the way of others. Events that no queue takes now are held, to be tried again; those that can never be
 * published go to the rejected store. Until the journal takes them, they stay in the stream.
 */
export class AsideWriter {
  readonly #options: AsideOptions;
  readonly #stopped = new AbortController();
  #waiting: Aside[] = [];
  #writing: Promise<void> = Promise.resolve();

  constructor(options: AsideOptions) {
    this.#options = options;
  }

  put(aside: Aside): void {
    this.#waiting.push(aside);
    if (this.#waiting.length === 1) this.#writing = this.#writing.then(() => this.#write());
  }

  /** Stops retrying what the journal refused, and waits until the rest is written. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#writing;
  }

  async #write(): Promise<void> {
    while (this.#waiting.length > 0) if (!(await this.#writeSome())) return;
  }

  /** @returns whether the journal took them */
  async #writeSome(): Promise<boolean> {
    const { journal, now, cursorAfter, onKept, onError } = this.#options;
    const count = countUpTo(MOVED_AT_ONCE, this.#waiting, ({ line }) => line.length);
    const batch = this.#waiting.splice(0, count);
    const nowMs = now();
    const holdEvents = batch.flatMap((aside) => heldOf(aside, nowMs) ?? []);
    const reject = batch
      .filter(({ outcome }) => outcome === 'refused')
      .map(({ line, reason }) => refusedRecord(line, reason, nowMs));
    const flights = batch.map(({ flight }) => flight);
    try {
      await journal.write({ holdEvents, reject, cursor: cursorAfter(flights) });
    } catch (error) {
      onError(error);
      await delay(AGAIN_MS, undefined, { signal: this.#stopped.signal }).catch(() => undefined);
      if (this.#stopped.signal.aborted) return false;
      this.#waiting.unshift(...batch);
      this.#writing = this.#writing.then(() => this.#write());
      return false;
    }
    onKept(flights, holdEvents);
    return true;
  }
}

/** How many of the first items fit into `most` together; at least one. */
export function countUpTo<T>(most: number, items: readonly T[], sizeOf: (item: T) => number): number {
  let size = 0;
  const end = items.findIndex((item) => (size += sizeOf(item)) > most);
  return end === -1 ? items.length : Math.max(1, end);
}

function heldOf({ line, outcome }: Aside, sinceMs: number): Omit<HeldEvent, 'id'> | undefined {
  const reason = HELD_FOR[outcome];
  return reason && { reason, type: typeOf(line), sinceMs, line };
}

/** The record keeps the line whole: it was checked and redacted when it was accepted, and may be published again. */
export function refusedRecord(line: string, reason: string | undefined, atMs: number): Omit<RejectedRecord, 'id'> {
  return { atMs, origin: 'publisher', code: UNPUBLISHABLE, message: reason ?? 'RabbitMQ refused it', record: line };
}
