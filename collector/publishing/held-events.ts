import { setImmediate as immediate } from 'node:timers/promises';
import type { Outcome, Publisher } from '../../exporter/publisher.ts';
import { backOff } from '../../runtime/sending/back-off.ts';
import type { HeldEvent, HeldReason, Journal } from '../journal/journal.ts';
import { HeldGroups, type HeldState } from './held-groups.ts';
import { fateOf, publishLine, typeOf, type Fate } from './publish-line.ts';
import { ReleaseWriter, type Tried } from './release-writer.ts';

export interface HeldEventsOptions {
  readonly journal: Pick<Journal, 'heldEvents' | 'heldGroups' | 'write'>;
  readonly publisher: Publisher;
  readonly onUnroutable: 'hold' | 'drop';
  readonly now: () => number;
  /** From 0 up to 1. @default Math.random */
  readonly random?: () => number;
  readonly onPublished: (fate: Fate, reason?: string) => void;
  readonly onError: (error: unknown) => void;
}

/** The result of trying held events again. */
export interface Retried {
  /** How many held events were published. */
  readonly published: number;
  /** How many events are held afterwards. */
  readonly held: number;
}

const LOOK_EVERY_MS = 250;
const PAGE = 1000;
/** Messages published before other work gets its turn. */
const SLICE = 128;
/** Pauses between attempts with one event of a type. If a full queue refuses it, each attempt gives other queues a copy. */
const PAUSE_MS = {
  unroutable: { first: 1000, longest: 5000 },
  nacked: { first: 5000, longest: 60_000 },
} as const satisfies Record<HeldReason, object>;
/** Pauses from a confirm of the type, which shows that every queue took an event, to an attempt with refused ones. */
const SHORT_PAUSE_MS = { first: 1000, longest: 60_000 };

/**
 * Publishes events again that no queue took.
 *
 * - `unroutable`: the oldest of each type shows whether a queue takes that type now. If so, all events of those types are
 *   published at once, in the order in which they were held.
 * - `nacked`: publishes the oldest of a type, then two, four and so on, until one is refused. If a queue takes a new event
 *   of the type, as after the election of its leader, the pause shrinks to a second. If the queue had room for only that
 *   event, the next short pause is twice as long.
 */
export class HeldEvents {
  readonly #options: HeldEventsOptions;
  readonly #groups: HeldGroups;
  readonly #releases: ReleaseWriter;
  #stopped = false;
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> = Promise.resolve();
  #isLooking = false;
  /** Whether an error kept the groups from being read again. */
  #isStale = false;
  #published = 0;

  constructor(options: HeldEventsOptions) {
    this.#options = options;
    this.#groups = new HeldGroups(options.journal);
    this.#releases = new ReleaseWriter(options);
  }

  get state(): HeldState {
    return this.#groups.state;
  }

  start(): void {
    this.#timer = setInterval(() => this.#lookUnlessLooking(), LOOK_EVERY_MS);
  }

  /** No event is tried again after this. */
  stop(): void {
    this.#stopped = true;
    clearInterval(this.#timer);
  }

  added(events: readonly Omit<HeldEvent, 'id'>[]): void {
    for (const { reason, type } of this.#groups.added(events)) this.#pause(reason, type, false);
  }

  /** All bound queues took the event of this line, so they may take held events of its type. */
  taken(line: string): void {
    if (this.#groups.isEmpty) return;
    const type = typeOf(line);
    const { now, random = Math.random } = this.#options;
    this.#groups.hurry(type);
    this.#groups.shorten('nacked', type, (pauses) => now() + backOff(pauses, SHORT_PAUSE_MS, random));
  }

  /** Tries all held events now, regardless of their pauses. */
  async retryNow(): Promise<Retried> {
    await this.#looking;
    const before = this.#published;
    this.#groups.hurryAll();
    this.#lookUnlessLooking();
    await this.#looking;
    const { unroutable, nacked } = this.#groups.state;
    return { published: this.#published - before, held: unroutable.events + nacked.events };
  }

  #lookUnlessLooking(): void {
    if (this.#isLooking || this.#stopped) return;
    this.#isLooking = true;
    this.#looking = this.#look()
      .catch((error: unknown) => {
        this.#isStale = true;
        this.#options.onError(error);
      })
      .finally(() => {
        this.#isLooking = false;
      });
  }

  async #look(): Promise<void> {
    const { publisher, now } = this.#options;
    if (!publisher.state.connected) {
      // When RabbitMQ is back, all are tried at once.
      this.#groups.hurryAll();
      return;
    }
    await this.#releases.flush();
    if (this.#isStale) this.#groups.reload();
    this.#isStale = false;
    const nowMs = now();
    // Waits for all of them, because the next look begins with what is on disk.
    const outcomes = await Promise.allSettled([
      this.#groups.dueTypes('unroutable', nowMs).length > 0 && this.#releaseRoutable(),
      ...this.#groups.dueTypes('nacked', nowMs).map((type) => this.#releaseGradually(type)),
    ]);
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
  }

  async #releaseRoutable(): Promise<void> {
    const oldest = this.#groups.oldest('unroutable');
    const tried = await this.#publishAll(oldest);
    await this.#releases.settle(tried);
    const types = tried.filter(({ fate }) => fate !== 'returned').map(({ held }) => held.type);
    const released = types.length > 0 ? await this.#releaseTypes(types) : [];
    this.#groups.reload();
    this.#pause('unroutable', '', types.length > 0);
    // A queue is bound now, but full: its pause begins.
    for (const type of new Set([...nackedTypesOf(tried), ...released])) this.#pause('nacked', type, false);
  }

  /** @returns the types of which a queue refused an event */
  async #releaseTypes(types: readonly string[]): Promise<readonly string[]> {
    const nacked = new Set<string>();
    for (let afterId = 0; !this.#stopped;) {
      const page = this.#options.journal.heldEvents({ reason: 'unroutable', types, afterId, limit: PAGE });
      const last = page.at(-1);
      if (last === undefined) break;
      const tried = await this.#publishAll(page);
      await this.#releases.settle(tried);
      for (const type of nackedTypesOf(tried)) nacked.add(type);
      afterId = last.id;
    }
    return [...nacked];
  }

  async #releaseGradually(type: string): Promise<void> {
    let [hasHelped, hasReturned] = [false, false];
    for (let limit = 1; !this.#stopped; limit = Math.min(2 * limit, PAGE)) {
      const page = this.#options.journal.heldEvents({ reason: 'nacked', types: [type], limit });
      if (page.length === 0) break;
      const tried = await this.#publishAll(page);
      await this.#releases.settle(tried);
      hasReturned ||= tried.some(({ fate }) => fate === 'returned');
      hasHelped ||= tried.some(({ fate }) => fate !== 'nacked');
      if (tried.some(({ fate }) => fate === 'nacked')) break;
    }
    this.#groups.reload();
    this.#pause('nacked', type, hasHelped);
    // The queue is no longer bound: the returned events wait like others that no queue takes.
    if (hasReturned) this.#pause('unroutable', '', false);
  }

  #pause(reason: HeldReason, type: string, hasHelped: boolean): void {
    const { now, random = Math.random } = this.#options;
    this.#groups.pause(reason, type, hasHelped, (failures) => now() + backOff(failures, PAUSE_MS[reason], random));
  }

  /** @returns the outcomes, in order; none for events after a `stop` */
  async #publishAll(page: readonly HeldEvent[]): Promise<readonly Tried[]> {
    const tried: Promise<Tried>[] = [];
    for (const held of page) {
      const one = Promise.withResolvers<Tried>();
      if (!(await this.#publish(held, one.resolve))) break;
      tried.push(one.promise);
      if (tried.length % SLICE === 0) await immediate();
    }
    return Promise.all(tried);
  }

  /** @returns false if `stop` was called first */
  async #publish(held: HeldEvent, onTried: (tried: Tried) => void): Promise<boolean> {
    const { publisher, onUnroutable, onPublished } = this.#options;
    const onSettled = (outcome: Outcome, reason?: string): void => {
      const fate = fateOf(outcome, onUnroutable);
      if (fate === 'confirmed') this.#published += 1;
      onPublished(fate, reason);
      onTried({ held, fate, reason });
    };
    while (!this.#stopped) {
      if (publishLine(publisher, held.line, onSettled)) return true;
      await publisher.ready();
    }
    return false;
  }
}

function nackedTypesOf(tried: readonly Tried[]): readonly string[] {
  return tried.filter(({ fate }) => fate === 'nacked').map(({ held }) => held.type);
}
