import { anothersEventId } from '../taxonomy/event-id.ts';
import { Broker } from './broker.ts';
import { Disk } from './disk.ts';
import { KeptEvents } from './kept.ts';
import type { Mutation } from './mutations.ts';
import type { Random } from './random.ts';
import { idOfRequest, piecesOf, requestOf, type Observation } from './requests.ts';
import { Site } from './site.ts';
import { Truth, Violation } from './truth.ts';
import { VirtualTime } from './virtual-time.ts';

const STOPPED_WITHIN_MS = 10_000;
/** Shorter than the time for which the collector remembers ids. */
const REMEMBERED_MS = 1_800_000;
const START_MS = Date.UTC(2026, 0, 1);

export interface PostedEvent {
  readonly event_id: string;
  readonly [field: string]: unknown;
}

/** A whole simulation: one collector and its environment. */
export class World {
  readonly time = new VirtualTime(START_MS);
  readonly random: Random;
  readonly broker: Broker;
  readonly disk: Disk;
  readonly site: Site;
  readonly truth: Truth;
  readonly trace: string[] = [];
  readonly #shared: { readonly id: string; readonly atMs: number }[] = [];
  /** Whether producers have posted hundreds of kilobytes. */
  isFlooded = false;
  /** Whether the disk was ever full: it then drops history with its ids, so after a restart no one knows whose they were. */
  wasFull = false;
  #events = 0;
  #killed = 0;
  #clearSinceMs: number | undefined;
  #takenSinceMs: number | undefined;
  #sameSinceMs = START_MS;
  #state = '';

  constructor(random: Random, mutation: Mutation) {
    this.random = random;
    this.disk = new Disk(this.time, () => this.kill('the power went'));
    const kept = new KeptEvents(this.disk.database);
    this.disk.onCommitted = () => kept.look();
    this.truth = new Truth({
      broker: () => this.broker,
      kept,
      diskIsFull: () => this.disk.space.isTaken,
      note: (text) => this.note(text),
    });
    this.broker = new Broker(random, this.time, this.truth);
    this.site = new Site({
      time: this.time,
      broker: this.broker,
      disk: this.disk,
      mutation,
      onError: (error) => this.note(`error: ${String(error)}`),
    });
  }

  note(text: string): void {
    this.trace.push(`${this.time.nowMs - START_MS} ${text}`);
  }

  newId(): string {
    this.#events += 1;
    return `event-${this.#events}`;
  }

  /** An id that two producers will use. */
  newSharedId(): string {
    const id = `shared-${this.newId()}`;
    this.#shared.push({ id, atMs: this.time.nowMs });
    return id;
  }

  /** A shared id used before and still remembered. */
  oldSharedId(random: Random): string {
    const known = this.#shared.filter(({ atMs }) => this.time.nowMs - atMs < REMEMBERED_MS);
    return known.length === 0 ? this.newSharedId() : random.pick(known).id;
  }

  kill(why: string): void {
    this.note(`killed: ${why}`);
    this.#killed += 1;
    this.site.kill();
    this.disk.recover();
    this.truth.processEnded();
  }

  /** Ends the process with SIGTERM. @throws Violation if that takes too long */
  async stop(): Promise<void> {
    let isOver = false;
    const over = (): void => void (isOver = true);
    const before = this.#killed;
    void this.site.stop().then(over, over);
    await this.time.pass(STOPPED_WITHIN_MS);
    if (!isOver && before === this.#killed)
      throw new Violation('stop', `it did not end within ${STOPPED_WITHIN_MS} ms of SIGTERM`);
    if (before === this.#killed) this.kill('the process has ended');
  }

  /** Posts events; the result shows later. */
  post(values: readonly PostedEvent[], producer: string): void {
    void this.#post(values, producer);
  }

  /** Makes requests, with two observers: one before the other, one alone, or one twice. */
  request(count: number, random: Random): void {
    const requests = Array.from({ length: count }, () => {
      this.#events += 1;
      return requestOf(this.#events, this.time.nowMs);
    });
    for (const request of requests) this.truth.requested(idOfRequest(request));
    for (const by of random.pick([['span', 'line'], ['line', 'span'], ['span'], ['line'], ['span', 'span']] as const))
      void this.#observe(requests.map((request) => ({ by, request })));
  }

  /** A download in pieces, each seen by one or two observers: one event. */
  pieces(count: number, random: Random): void {
    const numbers = Array.from({ length: count }, () => (this.#events += 1));
    const requests = piecesOf(numbers, this.time.nowMs, random);
    const ids = requests.map(idOfRequest);
    for (const id of ids) this.truth.requested(id);
    this.truth.isOne(ids);
    for (const request of requests)
      for (const by of random.pick([['span', 'line'], ['line', 'span'], ['span'], ['line']] as const))
        void this.#observe([{ by, request }]);
  }

  async #observe(observations: readonly Observation[]): Promise<void> {
    const told = observations.map(({ by, request }) => `${by} of request ${request.number}`).join(', ');
    this.note(`observed: ${told}`);
    const ids = await this.site.observe(observations);
    if (ids !== undefined) for (const { request } of observations) this.truth.accepted(idOfRequest(request));
    this.note(`answered ${ids === undefined ? '503' : '200'}: ${told}`);
  }

  async #post(values: readonly PostedEvent[], producer: string): Promise<void> {
    for (const { event_id: id } of values)
      for (const known of [id, anothersEventId(producer, id)]) this.truth.stated(known, JSON.stringify(known));
    const ids = values.map((value) => value.event_id);
    this.note(`${producer} posts ${ids.join(' ')}`);
    const verdicts = await this.site.post(values, producer);
    for (const [index, verdict] of (verdicts ?? []).entries()) {
      if (!verdict.ok) continue;
      this.truth.accepted(verdict.id);
      const user = values[index]?.['user_id'];
      this.truth.acceptedAs(verdict.id, `"user_id":${JSON.stringify(user)}`);
    }
    const answer = verdicts === undefined ? '503' : verdicts.map((one) => (one.ok ? '202' : '422')).join(' ');
    this.note(`answered ${answer}: ${ids.join(' ')}`);
  }

  /** Lets time pass, then checks the invariants. @throws Violation */
  async passAndCheck(ms: number): Promise<void> {
    await this.time.pass(ms);
    this.#look();
    this.truth.check({
      nowMs: this.time.nowMs,
      clearSinceMs: this.#clearSinceMs,
      takenSinceMs: this.#takenSinceMs,
      readiness: this.site.readiness(),
      isUp: this.site.isUp,
      diskIsFull: this.disk.space.isTaken,
      sameSinceMs: this.#sameSinceMs,
    });
  }

  /** The connection was cut or the process restarted: conditions count anew from now on. */
  interrupted(): void {
    this.#clearSinceMs = undefined;
    this.#takenSinceMs = undefined;
    this.#sameSinceMs = this.time.nowMs;
  }

  #look(): void {
    const { broker, disk, site } = this;
    const state = JSON.stringify([
      site.isUp,
      broker.up,
      broker.alarm,
      broker.silent,
      broker.slowMs,
      disk.space.isTaken,
      disk.slowMs,
      broker.queues.map(({ bound, full, leaderless }) => [bound, full, leaderless]),
    ]);
    if (state !== this.#state) {
      this.#state = state;
      this.interrupted();
    }
    const isQuick = broker.slowMs === 1 && disk.slowMs === 1;
    const isClear = site.isUp && isQuick && broker.up && !broker.alarm && !broker.silent && !disk.space.isTaken;
    this.#clearSinceMs = isClear ? (this.#clearSinceMs ?? this.time.nowMs) : undefined;
    const isTaken =
      isClear &&
      broker.queues.some(({ bound }) => bound) &&
      !broker.queues.some(({ bound, full, leaderless }) => bound && (full || leaderless));
    this.#takenSinceMs = isTaken ? (this.#takenSinceMs ?? this.time.nowMs) : undefined;
  }
}
