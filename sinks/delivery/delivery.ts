import type { Prepared } from '../event/prepare.ts';
import type { DeadClass, DeadReason, QueueLink, QueueMessage } from '../queue/message.ts';
import type { SendOutcome } from '../../runtime/sending/outcome.ts';
import type { BatchLimits, Sink } from '../sink.ts';
import { AckLedger } from './ack-ledger.ts';
import { takeBatch, type Entry } from './batch.ts';
import { DoubtfulIds } from './doubtful-ids.ts';
import type { Clock } from '../../runtime/sending/clock.ts';
import { heeding } from '../../runtime/sending/back-off.ts';
import { Gate, type CircuitState, type RetrySettings } from '../../runtime/sending/gate.ts';
import { errorText } from '../../runtime/error-text.ts';

export interface DeliverySettings {
  /** How long an event waits for others to be sent with, milliseconds. */
  readonly lingerMs: number;
  /** How long a service may take to answer, milliseconds. */
  readonly timeoutMs: number;
  /** Events a second, at most. */
  readonly ratePerS: number;
  readonly retry: RetrySettings;
}

/** Who is told what happens; none of it may throw. */
export interface DeliveryObserver {
  /** A batch was sent; `seconds` from sending to the answer. */
  sent(outcome: SendOutcome, events: number, seconds: number): void;
  accepted(events: number): void;
  dead(why: DeadClass, reason: string): void;
  /** Not for this sink by its filter. */
  filtered(): void;
  /** Came a second time though the service has it. */
  duplicate(): void;
}

export interface DeliveryOptions {
  readonly sink: Pick<Sink, 'send'>;
  readonly limits: BatchLimits;
  readonly prepare: (content: Uint8Array, messageId: string) => Prepared;
  readonly settings: DeliverySettings;
  readonly clock: Clock;
  /** From 0 up to 1. */
  readonly random: () => number;
  readonly observer: DeliveryObserver;
}

export interface DeliveryState {
  readonly circuit: CircuitState;
  /** Why the service did not take the last batch; undefined if it did. */
  readonly problem:
    | { readonly kind: 'retry' | 'misconfigured'; readonly reason: string; readonly sinceMs: number }
    | undefined;
  /** Events here that are neither accepted nor put aside. */
  readonly pending: number;
  /** When the oldest of them happened, Unix milliseconds. */
  readonly oldestCreatedMs: number | undefined;
}

/** Events of a half-open circuit's trial. */
const TRIAL_EVENTS = 10;
/** Batches that the queue may hand out ahead of the one in flight. */
const BATCHES_AHEAD = 2;
const PREFETCH_MAX = 10_000;
/** Messages that may wait for the dead-letter queue to take them, with all others going on. */
const UNBURIED_MAX = 1000;
/** When stopping, what is being put aside is waited for so long. */
const BURY_MS = 1000;

/** How many unacknowledged messages a sink with these limits is given at once. */
export function prefetchFor(limits: BatchLimits): number {
  return UNBURIED_MAX + Math.min(PREFETCH_MAX, Math.max(100, limits.maxEvents * (1 + BATCHES_AHEAD)));
}

/**
 * From a queue to a service: one batch at a time, in order, and no message is acknowledged before the service has
 * accepted it or it is put aside in the dead-letter queue.
 */
export class Delivery {
  readonly #options: DeliveryOptions;
  readonly #limits: BatchLimits;
  readonly #gate: Gate;
  readonly #doubtful: DoubtfulIds;
  readonly #stop = new AbortController();
  /** Of the batch in flight. */
  #sending = new AbortController();
  #ledger = new AckLedger();
  #link: QueueLink | undefined;
  /** What came and is in no batch yet, in order. */
  #waiting: readonly Entry[] = [];
  #arrived: Entry[] = [];
  #arrivedBytes = 0;
  /** Parts of the batch that was begun, in order; the first is sent next. */
  #parts: (readonly Entry[])[] = [];
  #inFlight: readonly Entry[] = [];
  #idle: { readonly wake: AbortController; readonly gathering: boolean } | undefined;
  /** What is on its way to the dead-letter queue: nothing waits for it. */
  readonly #burying = new Set<Promise<void>>();
  #rateFreeMs = 0;
  #problem: DeliveryState['problem'];

  constructor(options: DeliveryOptions) {
    this.#options = options;
    const { limits, settings } = options;
    this.#limits = { ...limits, maxEvents: Math.min(limits.maxEvents, Math.max(1, Math.floor(settings.ratePerS))) };
    this.#gate = new Gate(settings.retry, options.random);
    this.#doubtful = new DoubtfulIds(prefetchFor(limits));
  }

  get state(): DeliveryState {
    const { clock } = this.#options;
    const oldest = this.#inFlight[0] ?? this.#parts[0]?.[0] ?? this.#waiting[0] ?? this.#arrived[0];
    const inParts = this.#parts.reduce((sum, part) => sum + part.length, this.#inFlight.length);
    return {
      circuit: this.#gate.state(clock.now()),
      problem: this.#problem,
      pending: inParts + this.#waiting.length + this.#arrived.length,
      oldestCreatedMs: oldest?.event.createdMs,
    };
  }

  /** A new connection to the queue: what is received from now on came on it. */
  attach(link: QueueLink): void {
    this.detach();
    this.#link = link;
    this.#ledger = new AckLedger();
  }

  /** The connection is lost: the queue hands out again whatever it does not know to be settled. */
  detach(): void {
    if (this.#link === undefined) return;
    this.#link = undefined;
    this.#doubtful.linkLost();
    this.#waiting = [];
    this.#arrived = [];
    this.#arrivedBytes = 0;
    this.#parts = [];
  }

  receive(message: QueueMessage): void {
    const { prepare, observer, limits, clock } = this.#options;
    const link = this.#link;
    if (link === undefined) return;
    this.#ledger.add(message.tag);
    const prepared = prepare(message.content, message.id);
    if (prepared.kind === 'filtered') {
      observer.filtered();
      this.#ack([message.tag]);
      return;
    }
    if (prepared.kind === 'poison') {
      this.#bury(message, link, { class: 'poison', reason: prepared.reason });
      return;
    }
    const { event, orderKey } = prepared;
    const size = limits.sizeOf?.(event) ?? message.content.length;
    const arrivedMs = clock.now();
    this.#arrived.push({ event, message, link, orderKey, size, arrivedMs, putOff: 0, notBeforeMs: 0 });
    this.#arrivedBytes += size;
    this.#wakeFor(this.#arrived.length + this.#waiting.length, this.#arrivedBytes);
  }

  /** Delivers until it is stopped. */
  async run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      const pauseMs = this.#pauseMs();
      if (pauseMs > 0) await this.#options.clock.wait(pauseMs, this.#stop.signal);
      else await this.#step();
    }
    const patience = new AbortController();
    await Promise.race([Promise.all(this.#burying), this.#options.clock.wait(BURY_MS, patience.signal)]);
    patience.abort();
  }

  /** Takes up no further batch; `run` ends when the one in flight is answered. */
  stop(): void {
    this.#stop.abort();
    this.#idle?.wake.abort();
  }

  /** After `stop`, if the answer takes too long: whether the batch was accepted is unknown then. */
  giveUp(): void {
    this.#sending.abort();
  }

  async #step(): Promise<void> {
    const next = this.#nextPart();
    if ('waitMs' in next) await this.#sleep(next);
    else await this.#deliver(next);
  }

  #pauseMs(): number {
    const now = this.#options.clock.now();
    return Math.max(this.#gate.waitMs(now), this.#rateFreeMs - now);
  }

  /** What is to be sent next, or how long to wait for it. */
  #nextPart(): readonly Entry[] | Pause {
    const part = this.#parts.shift() ?? this.#newBatch();
    if ('waitMs' in part) return part;
    if (this.#gate.state(this.#options.clock.now()) === 'closed' || part.length <= TRIAL_EVENTS) return part;
    this.#parts.unshift(part.slice(TRIAL_EVENTS));
    return part.slice(0, TRIAL_EVENTS);
  }

  #newBatch(): readonly Entry[] | Pause {
    const { clock, settings } = this.#options;
    const now = clock.now();
    this.#waiting = [...this.#waiting, ...this.#takeArrived()];
    const { batch, rest, full, nextDueMs } = takeBatch(this.#waiting, this.#limits, now);
    const [first] = batch;
    if (first === undefined) return { waitMs: nextDueMs - now, gathering: false };
    const lingerMs = first.arrivedMs + settings.lingerMs - now;
    if (!full && lingerMs > 0) return { waitMs: Math.min(lingerMs, nextDueMs - now), gathering: true };
    this.#waiting = rest;
    return batch;
  }

  /** What has arrived and has to be sent: without what the service is known to have. */
  #takeArrived(): readonly Entry[] {
    const arrived = this.#arrived;
    this.#arrived = [];
    this.#arrivedBytes = 0;
    return arrived.filter(({ event, message }) => {
      if (message.replayed || !this.#doubtful.take(event.id)) return true;
      this.#options.observer.duplicate();
      this.#ack([message.tag]);
      return false;
    });
  }

  async #deliver(part: readonly Entry[]): Promise<void> {
    const { clock, observer, settings } = this.#options;
    const begunMs = clock.now();
    this.#rateFreeMs = begunMs + (1000 * part.length) / settings.ratePerS;
    this.#inFlight = part;
    const outcome = await this.#send(part);
    observer.sent(outcome, part.length, (clock.now() - begunMs) / 1000);
    this.#conclude(part, outcome);
    this.#inFlight = [];
  }

  /** Sends within the time-out; whatever is thrown leaves it unknown what the service has. */
  async #send(part: readonly Entry[]): Promise<SendOutcome> {
    const { clock, settings, sink } = this.#options;
    const sending = new AbortController();
    const answered = new AbortController();
    this.#sending = sending;
    void clock.wait(settings.timeoutMs, answered.signal).then(() => sending.abort());
    try {
      return await sink.send(
        part.map(({ event }) => event),
        sending.signal,
      );
    } catch (error) {
      const late = sending.signal.aborted ? `no answer within ${settings.timeoutMs / 1000} s` : undefined;
      return { kind: 'retry', reason: late ?? errorText(error) };
    } finally {
      answered.abort();
    }
  }

  #conclude(part: readonly Entry[], outcome: SendOutcome): void {
    const now = this.#options.clock.now();
    switch (outcome.kind) {
      case 'accepted':
        this.#takenUp();
        return this.#settleAccepted(part);
      case 'partial':
        return this.#concludePartial(part, outcome);
      case 'too_large':
      case 'rejected':
        this.#takenUp();
        return this.#divide(part, outcome);
      case 'retry':
        this.#gate.failure(now, outcome.afterMs);
        break;
      case 'misconfigured':
        this.#gate.refused(now);
        break;
    }
    this.#problem = { kind: outcome.kind, reason: outcome.reason, sinceMs: this.#problem?.sinceMs ?? now };
    this.#again(part);
  }

  #concludePartial(part: readonly Entry[], outcome: SendOutcome & { kind: 'partial' }): void {
    const again = new Set(outcome.again);
    const refused = part.filter(({ event }) => outcome.rejected.has(event.id));
    const later = part.filter(({ event }) => again.has(event.id) && !outcome.rejected.has(event.id));
    this.#takenUp();
    this.#settleAccepted(part.filter(({ event }) => !again.has(event.id) && !outcome.rejected.has(event.id)));
    // What is asked about once more at once is less than before: without end, nobody is asked.
    this.#putOff(later, outcome.afterMs === 0 && refused.length > 0 ? 'at once' : outcome.afterMs);
    for (const { event, message, link } of refused)
      this.#bury(message, link, { class: 'rejected', reason: outcome.rejected.get(event.id) ?? '' }, event.id);
  }

  /** Nobody says which event is to blame: halves of the batch tell, and in the end one alone. */
  #divide(part: readonly Entry[], { kind, reason }: { kind: 'too_large' | 'rejected'; reason: string }): void {
    const [only] = part;
    if (only !== undefined && part.length === 1)
      return this.#bury(only.message, only.link, { class: kind, reason }, only.event.id);
    const middle = Math.ceil(part.length / 2);
    this.#again(part.slice(0, middle), part.slice(middle));
  }

  #takenUp(): void {
    this.#gate.success();
    this.#problem = undefined;
  }

  /** These parts come first; those of a lost link come again from the queue. */
  #again(...parts: readonly (readonly Entry[])[]): void {
    this.#parts.unshift(...parts.filter((part) => part.length > 0 && part[0]?.link === this.#link));
  }

  /** Back to where they were, with all that was to follow them, and not to be sent before the service wants them. */
  #putOff(entries: readonly Entry[], afterMs: number | 'at once' | undefined): void {
    const { clock, settings } = this.#options;
    const now = clock.now();
    const back = entries
      .filter(({ link }) => link === this.#link)
      .map((entry) => {
        if (afterMs === 'at once') return putOff(entry, now);
        const ownMs = this.#gate.pauseMs(entry.putOff + 1);
        return putOff(entry, now + heeding(afterMs, ownMs, settings.retry.retryAfterMaxMs));
      });
    if (back.length === 0) return;
    this.#waiting = [...back, ...this.#parts.flat(), ...this.#waiting];
    this.#parts = [];
  }

  #settleAccepted(entries: readonly Entry[]): void {
    if (entries.length === 0) return;
    this.#options.observer.accepted(entries.length);
    this.#settle(
      entries.map(({ event }) => event.id),
      entries[0]?.link,
      entries.map(({ message }) => message.tag),
    );
  }

  /** Copies to the dead-letter queue, then acknowledges; meanwhile others are delivered. */
  #bury(message: QueueMessage, link: QueueLink, why: DeadReason, id = message.id): void {
    if (link !== this.#link) return;
    const burying = this.#copyToDeadLetters(message, link, why, id).finally(() => this.#burying.delete(burying));
    this.#burying.add(burying);
  }

  async #copyToDeadLetters(message: QueueMessage, link: QueueLink, why: DeadReason, id: string): Promise<void> {
    try {
      await link.bury(message, why);
    } catch {
      // The link is at its end: the queue hands the message out again, and the service is asked about it again.
      return;
    }
    this.#options.observer.dead(why.class, why.reason);
    this.#settle([id], link, [message.tag]);
  }

  #settle(ids: readonly string[], link: QueueLink | undefined, tags: readonly number[]): void {
    const current = link === this.#link;
    for (const id of ids) this.#doubtful.settled(id, current);
    if (current) this.#ack(tags);
  }

  #ack(tags: readonly number[]): void {
    for (const { tag, multiple } of this.#ledger.settle(tags)) this.#link?.ack(tag, multiple);
  }

  async #sleep({ waitMs, gathering }: Pause): Promise<void> {
    const wake = new AbortController();
    this.#idle = { wake, gathering };
    // `stop` wakes it too.
    await this.#options.clock.wait(waitMs, wake.signal);
    this.#idle = undefined;
  }

  /** The first arrival begins a batch; later ones matter when they fill it. */
  #wakeFor(events: number, bytes: number): void {
    if (this.#idle === undefined) return;
    if (this.#idle.gathering && events < this.#limits.maxEvents && bytes < this.#limits.maxBytes) return;
    this.#idle.wake.abort();
  }
}

/** A time in which nothing is sent; `gathering`: a batch is there that may yet grow. */
interface Pause {
  readonly waitMs: number;
  readonly gathering: boolean;
}

function putOff(entry: Entry, untilMs: number): Entry {
  return { ...entry, putOff: entry.putOff + 1, notBeforeMs: untilMs };
}
