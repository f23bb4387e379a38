import type { Readiness } from '../collector/readiness.ts';
import type { Kept, KeptEvents } from './kept.ts';
import type { Answer, BrokerWatcher, Queue } from './broker-side.ts';
import type { Broker } from './broker.ts';

/** An invariant is broken. */
export class Violation extends Error {
  override readonly name = 'Violation';
  readonly invariant: string;

  constructor(invariant: string, message: string) {
    super(`${invariant}: ${message}`);
    this.invariant = invariant;
  }
}

/** An event whose acceptance was confirmed to its producer. */
interface Accepted {
  readonly atMs: number;
  delivered: boolean;
}

/** What may hinder delivery at a time, as the simulation knows it. */
export interface Circumstances {
  readonly nowMs: number;
  /** Since when nothing stands between the journal and the broker; undefined if something does. */
  readonly clearSinceMs: number | undefined;
  /** Since when, in addition, every event finds a queue that takes it. */
  readonly takenSinceMs: number | undefined;
  /** What the collector's readiness check says; undefined if the collector is down. */
  readonly readiness: Readiness | undefined;
  readonly isUp: boolean;
  readonly diskIsFull: boolean;
  /** Since when everything that readiness reports has been unchanged. */
  readonly sameSinceMs: number;
}

/**
 * Unhindered, an event is published within this time: it covers reconnecting, a missing confirm, and testing suspects one by
 * one.
 */
const PATIENCE_MS = 60_000;
/** A held event first waits for its own pause, at most five minutes. */
const HELD_PATIENCE_MS = 360_000;
/** Shortest pause before an event is offered again, by the last answer. */
const LEAST_PAUSE_MS = { nacked: 400, returned: 200, confirmed: 0 } as const satisfies Record<Answer, number>;
/** Readiness may lag behind the facts by this much. */
const TOLD_WITHIN_MS = 45_000;

interface TruthParts {
  readonly broker: () => Broker;
  readonly kept: KeptEvents;
  readonly diskIsFull: () => boolean;
  readonly note: (text: string) => void;
}

/** What happened, observed from outside, and what must hold of it. */
export class Truth implements BrokerWatcher {
  readonly #broker: () => Broker;
  readonly #kept: KeptEvents;
  readonly #diskIsFull: () => boolean;
  readonly #note: (text: string) => void;
  /** Everything that was ever posted, by id: its content. */
  readonly #stated = new Map<string, string>();
  /** What the producer of each accepted event stated in it. */
  readonly #saidOf = new Map<string, string>();
  /** If one event has several ids: the event for each id. */
  readonly #eventOf = new Map<string, string>();
  readonly #publishedAs = new Map<string, string>();
  readonly #accepted = new Map<string, Accepted>();
  /** Events whose order is not promised: nacked, returned, cut off or refused. */
  readonly #loose = new Set<string>();
  readonly #confirmed = new Set<string>();
  readonly #published = new Map<string, number>();
  /** When each event was last published: a route that changed afterwards may be one for it. */
  readonly #publishedMs = new Map<string, number>();
  readonly #answered = new Map<string, { readonly answer: Answer; readonly atMs: number }>();
  readonly #seenInQueue = new Map<string, { count: number; highest: number; readonly ids: Set<string> }>();
  #routesChangedMs = 0;
  #confirmedMs = 0;
  #fineSinceMs: number | undefined;
  #found: Violation | undefined;

  constructor(parts: TruthParts) {
    this.#broker = parts.broker;
    this.#diskIsFull = parts.diskIsFull;
    this.#kept = parts.kept;
    this.#note = parts.note;
  }

  /** Whether any accepted event is neither delivered nor set aside. */
  get isOpen(): boolean {
    return this.#isOpen(this.#read());
  }

  /** A request is one event, whoever observed it. */
  requested(id: string): void {
    this.stated(id, JSON.stringify(id));
  }

  /** These ids belong to one event, which is published under one of them. */
  isOne(ids: readonly string[]): void {
    const [first = ''] = ids;
    for (const id of ids) this.#eventOf.set(id, first);
  }

  stated(id: string, said: string): void {
    this.#stated.set(id, said);
  }

  /** The producer was told that its event has this id. */
  acceptedAs(id: string, said: string): void {
    const before = this.#saidOf.get(id);
    if (before !== undefined && before !== said)
      this.#found ??= new Violation('identity', `${id} is taken for what another said: ${said} for ${before}`);
    this.#saidOf.set(id, said);
  }

  accepted(id: string): void {
    const event = this.#known(id);
    if (this.#accepted.has(event)) return;
    // An event stored just before a power cut is published before its producer posts it again and learns of its acceptance.
    this.#accepted.set(event, { atMs: Date.now(), delivered: this.#confirmed.has(event) });
  }

  isAccepted(id: string): boolean {
    return this.#accepted.has(this.#known(id));
  }

  routesChanged(): void {
    this.#routesChangedMs = Date.now();
  }

  /** A new process does not know its predecessor's pauses. */
  processEnded(): void {
    this.#answered.clear();
    // If the disk did not take the cursor, they are published again, out of order for a queue bound since.
    for (const id of this.#confirmed) this.#loose.add(id);
  }

  /** After a reconnect, the broker is tried again at once. */
  connected(): void {
    this.#answered.clear();
    this.#note('connected');
  }

  note(text: string): void {
    this.#note(text);
  }

  published(id: string): void {
    // With a full disk, the collector cannot record a pause and so cannot keep it.
    if (this.#diskIsFull()) this.#answered.delete(id);
    const before = this.#answered.get(id);
    const now = Date.now();
    if (before !== undefined && now - before.atMs < LEAST_PAUSE_MS[before.answer]) {
      // After another event was taken or a queue was bound, held events may follow at once.
      const isReleased =
        this.#routesChangedMs >= (this.#publishedMs.get(id) ?? before.atMs) || this.#confirmedMs >= before.atMs;
      // Recorded, not thrown: the product would handle the exception.
      if (!isReleased)
        this.#found ??= new Violation(
          'back-off',
          `${id} was ${before.answer} and goes out again ${now - before.atMs} ms later`,
        );
    }
    const event = this.#known(id);
    this.#published.set(event, (this.#published.get(event) ?? 0) + 1);
    const under = this.#publishedAs.get(event) ?? id;
    this.#publishedAs.set(event, under);
    if (under !== id) this.#found ??= new Violation('identity', `${id} is one event with ${under}, and is another`);
    this.#publishedMs.set(id, now);
  }

  answered(id: string, answer: Answer): void {
    this.#answered.set(id, { answer, atMs: Date.now() });
    if (answer === 'confirmed') {
      this.#confirmedMs = Date.now();
      this.#confirmed.add(this.#known(id));
      const accepted = this.#accepted.get(this.#known(id));
      if (accepted !== undefined) accepted.delivered = true;
    } else this.#loose.add(id);
    this.#note(`${answer} ${id}`);
  }

  cutOff(ids: readonly string[], reason: string): void {
    for (const id of ids) {
      this.#loose.add(id);
      this.#answered.delete(id);
    }
    this.#note(`cut off ${ids.join(' ')}: ${reason}`);
  }

  /** @throws Violation */
  check(circumstances: Circumstances): void {
    if (this.#found !== undefined) throw this.#found;
    const kept = this.#read();
    this.#checkKept(kept);
    for (const queue of this.#broker().queues) this.#checkQueue(queue);
    this.#checkProgress(kept, circumstances);
    this.#checkReadiness(kept, circumstances);
  }

  /**
   * Checks the end state, after everything was mended.
   *
   * @param last id of an event posted after that @throws Violation
   */
  checkEnd(last: string): void {
    if (!this.#accepted.has(last))
      throw new Violation('availability', `${last} is not taken, though everything was mended`);
    const { aside } = this.#read();
    for (const [id, { delivered }] of this.#accepted)
      if (!delivered && !aside.has(id))
        throw new Violation('liveness', `${id} is not delivered, and not set aside, though everything was mended`);
  }

  /** Whether events have been held so long that readiness must report them. */
  #heldSince(heldIds: ReadonlySet<string>, nowMs: number): boolean {
    for (const id of heldIds) {
      const answered = this.#answered.get(id);
      if (answered !== undefined && answered.answer !== 'confirmed' && nowMs - answered.atMs > TOLD_WITHIN_MS)
        return true;
    }
    return false;
  }

  #known(id: string): string {
    return this.#eventOf.get(id) ?? id;
  }

  /** The journal's contents, with each event under its one representative id. */
  #read(): Kept & { readonly heldIds: ReadonlySet<string> } {
    const { waiting, held, aside } = this.#kept.read();
    const known = (ids: ReadonlySet<string>): ReadonlySet<string> =>
      this.#eventOf.size === 0 ? ids : new Set([...ids].map((id) => this.#known(id)));
    return { waiting: known(waiting), held: known(held), aside: known(aside), heldIds: held };
  }

  #isOpen({ aside }: Kept): boolean {
    for (const [id, { delivered }] of this.#accepted) if (!delivered && !aside.has(id)) return true;
    return false;
  }

  #checkKept({ waiting, held, aside }: Kept): void {
    for (const [id, { delivered }] of this.#accepted)
      if (!delivered && !waiting.has(id) && !held.has(id) && !aside.has(id))
        throw new Violation('no loss', `${id} was accepted, and is neither in the journal nor confirmed nor set aside`);
  }

  #checkQueue({ name, got }: Queue): void {
    const seen = this.#seenInQueue.get(name) ?? { count: 0, highest: 0, ids: new Set<string>() };
    this.#seenInQueue.set(name, seen);
    for (const { id, type, body } of got.slice(seen.count)) {
      const said = this.#stated.get(id);
      if (said === undefined) throw new Violation('no invention', `${name} got ${id}, which nobody posted`);
      const own = this.#saidOf.get(id);
      if (own !== undefined && !body.includes(own))
        throw new Violation('identity', `${name} got ${id} as another said it: ${body}`);
      if (!body.includes(said)) throw new Violation('no invention', `${name} got ${id} with another content: ${body}`);
      if (seen.ids.has(id)) continue;
      seen.ids.add(id);
      const position = this.#kept.positions.get(id);
      if (position === undefined)
        throw new Violation('no invention', `${name} got ${id}, which was never in the journal`);
      if (this.#loose.has(id) || this.#broker().everForbidden.has(type)) continue;
      if (position < seen.highest)
        throw new Violation('order', `${name} got ${id} after what came later in the journal`);
      seen.highest = position;
    }
    seen.count = got.length;
  }

  #checkProgress({ aside }: Kept, { nowMs, clearSinceMs, takenSinceMs }: Circumstances): void {
    for (const [id, { atMs, delivered }] of this.#accepted) {
      if (delivered || aside.has(id)) continue;
      if (clearSinceMs !== undefined && !this.#published.has(id) && nowMs - Math.max(atMs, clearSinceMs) > PATIENCE_MS)
        throw new Violation('progress', `${id} was never tried, with nothing in its way for ${PATIENCE_MS} ms`);
      if (takenSinceMs !== undefined && nowMs - Math.max(atMs, takenSinceMs) > HELD_PATIENCE_MS)
        throw new Violation('progress', `${id} is not delivered, with nothing in its way for ${HELD_PATIENCE_MS} ms`);
    }
  }

  #checkReadiness(
    kept: Kept & { readonly heldIds: ReadonlySet<string> },
    { readiness, nowMs, sameSinceMs, diskIsFull }: Circumstances,
  ): void {
    if (readiness === undefined || nowMs - sameSinceMs < TOLD_WITHIN_MS) {
      this.#fineSinceMs = undefined;
      return;
    }
    const broker = this.#broker();
    const wrongs = [
      ...(broker.up ? [] : ['the broker is down']),
      ...([...broker.connections].some(({ isBlocked }) => isBlocked) ? ['the broker blocks it'] : []),
    ];
    if (this.#heldSince(kept.heldIds, nowMs)) wrongs.push('events are held');
    if (kept.aside.size > 0) wrongs.push('events are set aside that the broker refuses');
    if (readiness.status === 'ready' && wrongs.length > 0)
      throw new Violation('readiness', `it says ready while ${wrongs.join(' and ')}`);
    const isFine = wrongs.length === 0 && !broker.alarm && !diskIsFull && !broker.silent && !this.#isOpen(kept);
    this.#fineSinceMs = isFine ? (this.#fineSinceMs ?? nowMs) : undefined;
    if (nowMs - (this.#fineSinceMs ?? nowMs) > TOLD_WITHIN_MS && readiness.status !== 'ready')
      throw new Violation(
        'readiness',
        `it says ${readiness.status} while all is well: ${JSON.stringify(readiness.checks)}`,
      );
  }
}
