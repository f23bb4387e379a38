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
  /** How long an event waits for others to join its batch, milliseconds. */
  readonly lingerMs: number;
  /** How long a service may take to answer, milliseconds. */
  readonly timeoutMs: number;
  /** Most events per second. */
  readonly ratePerS: number;
  readonly retry: RetrySettings;
}

/** Observes a delivery. Its methods must not throw. */
export interface DeliveryObserver {
  /** A batch was answered; `seconds` is the time from sending to the answer. */
  sent(outcome: SendOutcome, events: number, seconds: number): void;
  accepted(events: number): void;
  dead(why: DeadClass, reason: string): void;
  /** The sink's filter excluded an event. */
  filtered(): void;
  /** An event arrived again although the service already has it. */
  duplicate(): void;
}

export interface DeliveryOptions {
  readonly sink: Pick<Sink, 'send'>;
  readonly limits: BatchLimits;
  readonly prepare: (content: Uint8Array, messageId: string) => Prepared;
  readonly settings: DeliverySettings;
  readonly clock: Clock;
  /** Returns a number from 0 up to 1. */
  readonly random: () => number;
  readonly observer: DeliveryObserver;
}

export interface DeliveryState {
  readonly circuit: CircuitState;
  /** Why the service did not take the last batch; undefined if it did. */
  readonly problem:
    | { readonly kind: 'retry' | 'misconfigured'; readonly reason: string; readonly sinceMs: number }
    | undefined;
  /** Events here that have yet to be sent or answered. */
  readonly pending: number;
  /** When the oldest pending event happened, Unix milliseconds. */
  readonly oldestCreatedMs: number | undefined;
}

/** Most events sent at once while the circuit is half-open. */
const TRIAL_EVENTS = 10;
/** Batches that the queue may deliver ahead of the one being sent. */
const BATCHES_AHEAD = 2;
const PREFETCH_MAX = 10_000;
/** Messages that may wait for the dead-letter queue while all others proceed. */
const UNBURIED_MAX = 1000;
/** How long a stop waits for pending burials, milliseconds. */
const BURY_MS = 1000;

/** Most unacknowledged messages for a sink with these limits. */
export function prefetchFor(limits: BatchLimits): number {
  return UNBURIED_MAX + Math.min(PREFETCH_MAX, Math.max(100, limits.maxEvents * (1 + BATCHES_AHEAD)));
}

/**
 * Delivers from a queue to a service, one batch at a time and in order. It acknowledges a message only after the service has
 * accepted it, or after the dead-letter queue has a copy.
 */
export class Delivery {
  readonly #options: DeliveryOptions;
  readonly #limits: BatchLimits;
  readonly #gate: Gate;
  readonly #doubtful: DoubtfulIds;
  readonly #stop = new AbortController();
  /** Aborts the batch in flight. */
  #sending = new AbortController();
  #ledger = new AckLedger();
  #link: QueueLink | undefined;
  /** Events that are in no batch yet, in order. */
  #waiting: readonly Entry[] = [];
  #arrived: Entry[] = [];
  #arrivedBytes = 0;
  /** Remaining parts of the current batch, in order; the first is next. */
  #parts: (readonly Entry[])[] = [];
  #inFlight: readonly Entry[] = [];
  #idle: { readonly wake: AbortController; readonly gathering: boolean } | undefined;
  /** Copies on their way to the dead-letter queue; nothing waits for them. */
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

  /** Call this with each new link; later messages belong to it. */
  attach(link: QueueLink): void {
    this.detach();
    this.#link = link;
    this.#ledger = new AckLedger();
  }

  /** Call this when the link is lost. The queue redelivers every message without an acknowledgement. */
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

  /** Delivers until `stop` is called. */
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

  /** Starts no further batch; `run` ends once the batch in flight is answered. */
  stop(): void {
    this.#stop.abort();
    this.#idle?.wake.abort();
  }

  /** For use after `stop` if the answer takes too long; it is then unknown whether the batch was accepted. */
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

  /** Returns what to send next, or how long to wait for it. */
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

  /** Returns the arrived events, without those that the service is known to have. */
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

  /** Sends within the time-out. After an error, it is unknown what the service has stored. */
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
    // A retry at once is allowed only if the batch has shrunk; otherwise it could go on forever.
    this.#putOff(later, outcome.afterMs === 0 && refused.length > 0 ? 'at once' : outcome.afterMs);
    for (const { event, message, link } of refused)
      this.#bury(message, link, { class: 'rejected', reason: outcome.rejected.get(event.id) ?? '' }, event.id);
  }

  /** Splits a batch to find the event to blame, until it is alone. */
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

  /** Puts these parts first. Parts from a lost link come again from the queue. */
  #again(...parts: readonly (readonly Entry[])[]): void {
    this.#parts.unshift(...parts.filter((part) => part.length > 0 && part[0]?.link === this.#link));
  }

  /** Puts entries back in their place, with all that follow them. They are not sent before the service wants them. */
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

  /** Copies a message to the dead-letter queue, then acknowledges it. Other messages proceed in the meantime. */
  #bury(message: QueueMessage, link: QueueLink, why: DeadReason, id = message.id): void {
    if (link !== this.#link) return;
    const burying = this.#copyToDeadLetters(message, link, why, id).finally(() => this.#burying.delete(burying));
    this.#burying.add(burying);
  }

  async #copyToDeadLetters(message: QueueMessage, link: QueueLink, why: DeadReason, id: string): Promise<void> {
    try {
      await link.bury(message, why);
    } catch {
      // The link has ended: the queue redelivers the message, and the service is asked again.
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

  /** Wakes for the first arrival, which begins a batch; later ones matter only if they fill it. */
  #wakeFor(events: number, bytes: number): void {
    if (this.#idle === undefined) return;
    if (this.#idle.gathering && events < this.#limits.maxEvents && bytes < this.#limits.maxBytes) return;
    this.#idle.wake.abort();
  }
}

/** A time without sending. If `gathering`, a batch exists but may still grow. */
interface Pause {
  readonly waitMs: number;
  readonly gathering: boolean;
}

function putOff(entry: Entry, untilMs: number): Entry {
  return { ...entry, putOff: entry.putOff + 1, notBeforeMs: untilMs };
}
