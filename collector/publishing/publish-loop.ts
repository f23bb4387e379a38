import { setImmediate as immediate, setTimeout as delay } from 'node:timers/promises';
import { backOff } from '../../runtime/sending/back-off.ts';
import { toMessageFromLine, type EventMessage } from '../../exporter/message.ts';
import type { OnOutcome, Outcome, Publisher } from '../../exporter/publisher.ts';
import type { Cursor, HeldLine, Journal, RejectedRecord } from '../journal/journal.ts';

export interface PublishLoopOptions {
  readonly journal: Journal;
  readonly publisher: Publisher;
  readonly onUnroutable: 'hold' | 'drop';
  readonly now: () => number;
  /** How many producers wait for their events to be journaled: publishing gives way to them. @default none */
  readonly pressure?: () => number;
  /** @param reason why a message was refused */
  readonly onPublished?: (outcome: Outcome | 'dropped', reason?: string) => void;
  readonly onError: (error: unknown) => void;
}

interface Flight {
  readonly row: number;
  /** Lines of the row up to and including this one. */
  readonly index: number;
  settled: boolean;
}

/** An event that is not published, on its way out of the stream. */
interface Aside {
  readonly flight: Flight;
  readonly line: string;
  readonly outcome: Exclude<Outcome, 'confirmed'>;
  readonly reason: string | undefined;
}

/** The code of rejected records that no broker takes as they are. */
export const UNPUBLISHABLE = 'unpublishable';

const READ_BYTES = 256 * 1024;
/** Messages published without letting others run: the least while many producers wait, then twice as many each time. */
const SLICE = { least: 32, most: 512 };
/** What a message costs this thread, about: from journal to confirm. */
const MESSAGE_MS = 0.025;
/** So many producers that wait take turns with publishing as they come. */
const FEW = 8;
const CURSOR_EVERY_MS = 200;
const RETRY_PAGE = 500;
const RETRY_FIRST_MS = 1000;
const RETRY_MS = { first: RETRY_FIRST_MS, longest: 5 * 60 * 1000 };

/** Takes events out of the journal in order and hands them to the publisher; the cursor follows what is settled. */
export class PublishLoop {
  readonly #options: PublishLoopOptions;
  readonly #flights: Flight[] = [];
  #head = 0;
  #position: Cursor;
  #cursor: Cursor;
  #savedCursor: Cursor;
  #putAside: Aside[] = [];
  #holding: Promise<void> = Promise.resolve();
  #stopped = false;
  #wake: () => void = () => undefined;
  #running: Promise<void> = Promise.resolve();
  #retrying = false;
  #inSlice = 0;
  #slice = SLICE.least;
  readonly #timers: NodeJS.Timeout[] = [];

  constructor(options: PublishLoopOptions) {
    this.#options = options;
    this.#position = options.journal.cursor;
    this.#cursor = this.#position;
    this.#savedCursor = this.#position;
  }

  /** Events read from the journal and not settled yet. */
  get inFlight(): number {
    return this.#flights.length - this.#head;
  }

  start(): void {
    this.#options.journal.onAppended(() => this.#wake());
    this.#running = this.#keepRunning();
    this.#timers.push(setInterval(() => void this.#saveCursor(), CURSOR_EVERY_MS));
    this.#timers.push(setInterval(() => void this.#retryHeld(), RETRY_FIRST_MS));
  }

  /** Stops reading; call after the publisher was closed, so that what it confirmed is in the cursor. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#wake();
    for (const timer of this.#timers) clearInterval(timer);
    await this.#holding;
    await this.#saveCursor();
  }

  /** Stops handing out further events; those in flight may still be confirmed. */
  pause(): void {
    this.#stopped = true;
    this.#wake();
  }

  async idle(): Promise<void> {
    await this.#running;
  }

  /** A journal that cannot be read now may be read later: what was published stays published. */
  async #keepRunning(): Promise<void> {
    while (!this.#stopped) {
      try {
        await this.#run();
      } catch (error) {
        this.#options.onError(error);
        await delay(RETRY_FIRST_MS);
      }
    }
  }

  async #run(): Promise<void> {
    const { journal } = this.#options;
    while (!this.#stopped) {
      const woken = new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      const rows = journal.read(this.#position.index > 0 ? this.#position.row - 1 : this.#position.row, READ_BYTES);
      if (rows.length === 0) {
        await woken;
        continue;
      }
      for (const { row, lines } of rows) {
        const from = row === this.#position.row ? this.#position.index : 0;
        for (let index = from; index < lines.length; index += 1) {
          const line = lines[index];
          if (line === undefined) continue;
          const flight: Flight = { row, index: index + 1, settled: false };
          if (!this.#tryPublish(flight, line) && !(await this.#publishWhenReady(flight, line))) return;
          this.#inSlice += 1;
          if (this.#inSlice >= this.#slice) await this.#giveWay();
          if (this.#stopped) return;
        }
        this.#position = { row, index: 0 };
      }
    }
  }

  /**
   * Between slices others run; and while many producers wait, publishing takes only its share of the thread, as if it
   * were one of them: what is journaled is safe, what waits for an answer is not yet.
   */
  async #giveWay(): Promise<void> {
    const waiting = Math.max(0, (this.#options.pressure?.() ?? 0) - FEW);
    const pauseMs = this.#inSlice * MESSAGE_MS * waiting;
    this.#inSlice = 0;
    this.#slice = waiting > 0 ? SLICE.least : Math.min(SLICE.most, this.#slice * 2);
    await (pauseMs < 1 ? immediate() : delay(pauseMs));
  }

  #tryPublish(flight: Flight, line: string): boolean {
    this.#flights.push(flight);
    if (this.#publish(line, (outcome, reason) => this.#onOutcome(flight, line, outcome, reason))) {
      this.#position = { row: flight.row, index: flight.index };
      return true;
    }
    this.#flights.pop();
    return false;
  }

  /** A line of which no message can be made is refused like one that the broker refuses. */
  #publish(line: string, onSettled: OnOutcome): boolean {
    let message: EventMessage;
    try {
      message = toMessageFromLine(line);
    } catch (error) {
      queueMicrotask(() => onSettled('refused', String(error)));
      return true;
    }
    return this.#options.publisher.publish(message, onSettled);
  }

  /** @returns false where the loop was stopped first */
  async #publishWhenReady(flight: Flight, line: string): Promise<boolean> {
    do {
      await this.#options.publisher.ready();
      if (this.#stopped) return false;
    } while (!this.#tryPublish(flight, line));
    return true;
  }

  #onOutcome(flight: Flight, line: string, outcome: Outcome, reason: string | undefined): void {
    const told = this.#toldOf(outcome);
    this.#tell(told, reason);
    if (told === 'confirmed' || told === 'dropped') {
      this.#settle(flight);
      return;
    }
    this.#putAside.push({ flight, line, outcome: told, reason });
    if (this.#putAside.length === 1) this.#holding = this.#holding.then(() => this.#writeAside());
  }

  #tell(outcome: Outcome | 'dropped', reason: string | undefined): void {
    if (reason === undefined) this.#options.onPublished?.(outcome);
    else this.#options.onPublished?.(outcome, reason);
  }

  #toldOf(outcome: Outcome): Outcome | 'dropped' {
    return outcome === 'returned' && this.#options.onUnroutable === 'drop' ? 'dropped' : outcome;
  }

  #settle(flight: Flight): void {
    flight.settled = true;
    let head = this.#flights[this.#head];
    while (head?.settled === true) {
      this.#cursor = { row: head.row, index: head.index };
      this.#head += 1;
      head = this.#flights[this.#head];
    }
    if (this.#head > 4096) {
      this.#flights.splice(0, this.#head);
      this.#head = 0;
    }
  }

  /**
   * Moves events out of the way of others: what no queue takes now into the journal's side table, to be tried again; what
   * can never be published into the rejected store.
   */
  async #writeAside(): Promise<void> {
    const batch = this.#putAside;
    this.#putAside = [];
    if (batch.length === 0) return;
    const now = this.#options.now();
    const dueMs = now + RETRY_FIRST_MS;
    const hold = batch
      .filter(({ outcome }) => outcome !== 'refused')
      .map(({ line }) => ({ line, dueMs, reason: 'unroutable', attempts: 1 }) as const);
    const reject = batch
      .filter(({ outcome }) => outcome === 'refused')
      .map(({ line, reason }) => refusedRecord(line, reason, now));
    try {
      await this.#options.journal.write({ ...(hold.length > 0 && { hold }), ...(reject.length > 0 && { reject }) });
      for (const { flight } of batch) this.#settle(flight);
    } catch (error) {
      // Not settled: the cursor stays before them until the journal takes them.
      this.#options.onError(error);
      if (this.#stopped) return;
      await delay(RETRY_FIRST_MS);
      this.#putAside.unshift(...batch);
      this.#holding = this.#holding.then(() => this.#writeAside());
    }
  }

  async #saveCursor(): Promise<void> {
    const cursor = this.#cursor;
    if (cursor.row === this.#savedCursor.row && cursor.index === this.#savedCursor.index) return;
    this.#savedCursor = cursor;
    try {
      await this.#options.journal.write({ cursor });
    } catch (error) {
      this.#savedCursor = { row: -1, index: -1 };
      this.#options.onError(error);
    }
  }

  /** Tries held events again, a page at a time; the next page at once while all of one were taken. */
  async #retryHeld(): Promise<void> {
    const { journal, publisher, now } = this.#options;
    if (this.#retrying || this.#stopped || !publisher.state.connected) return;
    this.#retrying = true;
    try {
      for (;;) {
        const page = journal.heldDue('unroutable', now(), RETRY_PAGE);
        if (page.length === 0) return;
        const retried = await Promise.all(page.map(async (held) => ({ held, ...(await this.#retry(held)) })));
        const heldWith = (...outcomes: readonly Retried['outcome'][]) =>
          retried.filter(({ outcome }) => outcomes.includes(outcome));
        const gone = heldWith('confirmed', 'dropped', 'refused');
        await journal.write({
          unhold: gone.map(({ held }) => held.id),
          reject: heldWith('refused').map(({ held, reason }) => refusedRecord(held.line, reason, now())),
          reschedule: heldWith('returned', 'nacked').map(({ held }) => ({
            id: held.id,
            attempts: held.attempts + 1,
            dueMs: now() + backOff(held.attempts + 1, RETRY_MS, Math.random),
          })),
        });
        if (gone.length < page.length || this.#stopped) return;
      }
    } catch (error) {
      this.#options.onError(error);
    } finally {
      this.#retrying = false;
    }
  }

  async #retry(held: HeldLine): Promise<Retried> {
    for (;;) {
      if (this.#stopped) return { outcome: 'stopped', reason: undefined };
      const taken = Promise.withResolvers<Retried>();
      const onSettled: OnOutcome = (outcome, reason) => taken.resolve({ outcome: this.#toldOf(outcome), reason });
      if (this.#publish(held.line, onSettled)) {
        const retried = await taken.promise;
        if (retried.outcome !== 'stopped') this.#tell(retried.outcome, retried.reason);
        return retried;
      }
      await this.#options.publisher.ready();
    }
  }
}

interface Retried {
  readonly outcome: Outcome | 'dropped' | 'stopped';
  readonly reason: string | undefined;
}

/** The line is kept whole: it was checked and redacted when it was accepted, and may be published again. */
function refusedRecord(line: string, reason: string | undefined, atMs: number): Omit<RejectedRecord, 'id'> {
  return { atMs, origin: 'publisher', code: UNPUBLISHABLE, message: reason ?? 'RabbitMQ refused it', record: line };
}
