import type { Readiness } from '../collector/readiness.ts';
import type { Kept, KeptEvents } from './kept.ts';
import type { Answer, BrokerWatcher, Queue } from './broker-side.ts';
import type { Broker } from './broker.ts';

/** An invariant that does not hold. */
export class Violation extends Error {
  override readonly name = 'Violation';
  readonly invariant: string;

  constructor(invariant: string, message: string) {
    super(`${invariant}: ${message}`);
    this.invariant = invariant;
  }
}

/** An event that a producer was told is accepted. */
interface Accepted {
  readonly atMs: number;
  delivered: boolean;
}

/** What stands in the way at a time, as the simulation knows it. */
export interface Circumstances {
  readonly nowMs: number;
  /** Since when nothing stands between the journal and the broker. */
  readonly clearSinceMs: number | undefined;
  /** Since when, besides, every event finds a queue that takes it. */
  readonly takenSinceMs: number | undefined;
  /** Whether every bound queue gets every event: nobody refuses one. */
  readonly readiness: Readiness | undefined;
  readonly isUp: boolean;
  readonly diskIsFull: boolean;
  /** Since when it is as it is, in each respect that readiness tells of. */
  readonly sameSinceMs: number;
}

/** Where nothing is in the way, an event goes out within this time: reconnecting, a confirm that never comes, suspects alone. */
const PATIENCE_MS = 60_000;
/** Where it was held, its own pause comes first: five minutes at most. */
const HELD_PATIENCE_MS = 360_000;
/** A queue that refused an event is not asked again sooner. */
const LEAST_PAUSE_MS = { nacked: 400, returned: 200, confirmed: 0 } as const satisfies Record<Answer, number>;
/** What readiness says may be so much older than what is. */
const TOLD_WITHIN_MS = 45_000;

interface TruthParts {
  readonly broker: () => Broker;
  readonly kept: KeptEvents;
  readonly diskIsFull: () => boolean;
  readonly note: (text: string) => void;
}

/** What happened, as the simulation saw it from outside; and what must hold of it. */
export class Truth implements BrokerWatcher {
  readonly #broker: () => Broker;
  readonly #kept: KeptEvents;
  readonly #diskIsFull: () => boolean;
  readonly #note: (text: string) => void;
  /** Everything that anybody ever posted, by id: what it said. */
  readonly #stated = new Map<string, string>();
  /** What the producer of an accepted event said in it. */
  readonly #saidOf = new Map<string, string>();
  /** Of ids that several observations of one event have: the event. */
  readonly #eventOf = new Map<string, string>();
  readonly #publishedAs = new Map<string, string>();
  readonly #accepted = new Map<string, Accepted>();
  /** Of these the order is not promised: nacked, returned, cut off; nor of those that are refused. */
  readonly #loose = new Set<string>();
  readonly #confirmed = new Set<string>();
  readonly #published = new Map<string, number>();
  /** When each went out last: a route that changed after that may be one for it. */
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

  /** Events that were accepted, and are neither delivered nor set aside. */
  get isOpen(): boolean {
    return this.#isOpen(this.#read());
  }

  /** A request is one event, whoever saw it. */
  requested(id: string): void {
    this.stated(id, JSON.stringify(id));
  }

  /** What these are ids of is one event, under one of them. */
  isOne(ids: readonly string[]): void {
    const [first = ''] = ids;
    for (const id of ids) this.#eventOf.set(id, first);
  }

  stated(id: string, said: string): void {
    this.#stated.set(id, said);
  }

  /** Its producer was told that what it said is known by this id. */
  acceptedAs(id: string, said: string): void {
    const before = this.#saidOf.get(id);
    if (before !== undefined && before !== said)
      this.#found ??= new Violation('identity', `${id} is taken for what another said: ${said} for ${before}`);
    this.#saidOf.set(id, said);
  }

  accepted(id: string): void {
    const event = this.#known(id);
    if (this.#accepted.has(event)) return;
    // One that was written down as the power went is published, and its producer told when it posts it again.
    this.#accepted.set(event, { atMs: Date.now(), delivered: this.#confirmed.has(event) });
  }

  isAccepted(id: string): boolean {
    return this.#accepted.has(this.#known(id));
  }

  routesChanged(): void {
    this.#routesChangedMs = Date.now();
  }

  /** A process knows nothing of the pauses that the one before it kept. */
  processEnded(): void {
    this.#answered.clear();
    // Where the disk did not take the cursor they are published again: out of order to a queue that was bound since.
    for (const id of this.#confirmed) this.#loose.add(id);
  }

  /** A broker that is back is asked again at once. */
  connected(): void {
    this.#answered.clear();
    this.#note('connected');
  }

  note(text: string): void {
    this.#note(text);
  }

  published(id: string): void {
    // What it cannot write down, it cannot keep to.
    if (this.#diskIsFull()) this.#answered.delete(id);
    const before = this.#answered.get(id);
    const now = Date.now();
    if (before !== undefined && now - before.atMs < LEAST_PAUSE_MS[before.answer]) {
      // Where an event is taken, or a queue was bound, the others may follow at once.
      const isReleased =
        this.#routesChangedMs >= (this.#publishedMs.get(id) ?? before.atMs) || this.#confirmedMs >= before.atMs;
      // Thrown here it would be the product's to handle.
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
   * In the end, with everything mended.
   *
   * @param last id of an event that was posted after that @throws Violation
   */
  checkEnd(last: string): void {
    if (!this.#accepted.has(last))
      throw new Violation('availability', `${last} is not taken, though everything was mended`);
    const { aside } = this.#read();
    for (const [id, { delivered }] of this.#accepted)
      if (!delivered && !aside.has(id))
        throw new Violation('liveness', `${id} is not delivered, and not set aside, though everything was mended`);
  }

  /** Events that no queue took, for so long that it must have been told. */
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

  /** What the journal has, each event by the one id that stands for it. */
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
