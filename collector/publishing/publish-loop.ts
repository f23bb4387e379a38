import { setImmediate as immediate, setTimeout as delay } from 'node:timers/promises';
import type { OnOutcome, Outcome, Publisher } from '../../exporter/publisher.ts';
import type { Cursor, Journal } from '../journal/journal.ts';
import { AsideWriter } from './aside.ts';
import { Flights, type Flight } from './flights.ts';
import { HeldBefore } from './held-before.ts';
import { HeldEvents } from './held-events.ts';
import { fateOf, publishLine, type Fate } from './publish-line.ts';

export interface PublishLoopOptions {
  readonly journal: Journal;
  readonly publisher: Publisher;
  readonly onUnroutable: 'hold' | 'drop';
  readonly now: () => number;
  /** How many producers wait for their events to be journaled. Publishing gives way to them. @default none */
  readonly pressure?: () => number;
  /** @param reason why a message was refused */
  readonly onPublished?: (fate: Fate, reason?: string) => void;
  readonly onError: (error: unknown) => void;
}

const READ_BYTES = 256 * 1024;
/** Messages published before other work gets its turn: `least` while many producers wait, then twice as many each time. */
const SLICE = { least: 32, most: 512 };
/** Approximate time that a message takes on this thread, from journal to confirm. */
const MESSAGE_MS = 0.025;
/** Publishing gives way only if more producers than this wait. */
const FEW = 8;
const CURSOR_EVERY_MS = 200;
const READ_AGAIN_MS = 1000;
const NOT_SAVED: Cursor = { row: -1, index: -1 };

/** Reads events from the journal in order and passes them to the publisher. The cursor follows what is settled. */
export class PublishLoop {
  readonly #options: PublishLoopOptions;
  readonly #flights: Flights;
  #position: Cursor;
  #savedCursor: Cursor;
  readonly #aside: AsideWriter;
  readonly #held: HeldEvents;
  readonly #heldBefore: HeldBefore;
  #stopped = false;
  #hasReadAll = false;
  #wake: () => void = () => undefined;
  #running: Promise<void> = Promise.resolve();
  #inSlice = 0;
  #slice = SLICE.least;
  readonly #timers: NodeJS.Timeout[] = [];

  constructor(options: PublishLoopOptions) {
    this.#options = options;
    this.#position = options.journal.cursor;
    this.#flights = new Flights(this.#position);
    this.#savedCursor = this.#position;
    this.#heldBefore = new HeldBefore(options.journal);
    this.#held = new HeldEvents({ ...options, onPublished: (fate, reason) => this.#tell(fate, reason) });
    this.#aside = new AsideWriter({
      ...options,
      cursorAfter: (flights) => (this.#savedCursor = this.#flights.cursorAfter(flights)),
      onError: (error) => {
        this.#savedCursor = NOT_SAVED;
        options.onError(error);
      },
      onKept: (flights, held) => {
        for (const flight of flights) this.#flights.settle(flight);
        this.#held.added(held);
      },
    });
  }

  /** Events that no queue took. */
  get held(): Pick<HeldEvents, 'state' | 'retryNow'> {
    return this.#held;
  }

  /** Everything before this cursor is published, held or set aside. */
  get settled(): Cursor {
    return this.#flights.cursor;
  }

  /** Events read from the journal and not settled yet. */
  get inFlight(): number {
    return this.#flights.count;
  }

  /** Whether everything in the journal was read and is settled. */
  get isDone(): boolean {
    return this.#hasReadAll && this.#flights.count === 0;
  }

  start(): void {
    this.#options.journal.onAppended(() => this.#wake());
    this.#running = this.#keepRunning();
    this.#timers.push(setInterval(() => void this.#saveCursor(), CURSOR_EVERY_MS));
    this.#held.start();
  }

  /** Stops reading. Call it after closing the publisher, so that the cursor includes everything that was confirmed. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#wake();
    for (const timer of this.#timers) clearInterval(timer);
    this.#held.stop();
    await this.#aside.stop();
    await this.#saveCursor();
  }

  /** Stops publishing further events. Those in flight may still be confirmed. */
  pause(): void {
    this.#stopped = true;
    this.#held.stop();
    this.#wake();
  }

  async idle(): Promise<void> {
    await this.#running;
  }

  /** Tries again if the journal cannot be read. What was published stays published. */
  async #keepRunning(): Promise<void> {
    while (!this.#stopped) {
      try {
        await this.#run();
      } catch (error) {
        this.#options.onError(error);
        await delay(READ_AGAIN_MS);
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
      this.#hasReadAll = rows.length === 0;
      if (this.#hasReadAll) {
        await woken;
        continue;
      }
      for (const { row, lines } of rows) {
        const from = row === this.#position.row ? this.#position.index : 0;
        for (let index = from; index < lines.length; index += 1) {
          const line = lines[index];
          if (line === undefined) continue;
          const flight = { row, index: index + 1, settled: false };
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
   * Lets other work run between slices. While many producers wait, publishing takes only its share of the thread, as if it
   * were one of them: journaled events are safe, waiting ones are not yet.
   */
  async #giveWay(): Promise<void> {
    const waiting = Math.max(0, (this.#options.pressure?.() ?? 0) - FEW);
    const pauseMs = this.#inSlice * MESSAGE_MS * waiting;
    this.#inSlice = 0;
    this.#slice = waiting > 0 ? SLICE.least : Math.min(SLICE.most, this.#slice * 2);
    await (pauseMs < 1 ? immediate() : delay(pauseMs));
  }

  #tryPublish(flight: Flight, line: string): boolean {
    const onSettled: OnOutcome = (outcome, reason) => this.#onOutcome(flight, line, outcome, reason);
    const isHeld = this.#heldBefore.has(flight.row, line);
    if (!isHeld && !publishLine(this.#options.publisher, line, onSettled)) return false;
    this.#flights.begin(flight);
    this.#position = { row: flight.row, index: flight.index };
    if (isHeld) this.#flights.settle(flight);
    return true;
  }

  /** @returns false if the loop was stopped first */
  async #publishWhenReady(flight: Flight, line: string): Promise<boolean> {
    do {
      await this.#options.publisher.ready();
      if (this.#stopped) return false;
    } while (!this.#tryPublish(flight, line));
    return true;
  }

  #onOutcome(flight: Flight, line: string, outcome: Outcome, reason: string | undefined): void {
    const fate = fateOf(outcome, this.#options.onUnroutable);
    this.#tell(fate, reason);
    if (fate === 'confirmed') this.#held.taken(line);
    if (fate === 'confirmed' || fate === 'dropped') this.#flights.settle(flight);
    else this.#aside.put({ flight, line, outcome: fate, reason });
  }

  #tell(fate: Fate, reason: string | undefined): void {
    if (reason === undefined) this.#options.onPublished?.(fate);
    else this.#options.onPublished?.(fate, reason);
  }

  async #saveCursor(): Promise<void> {
    const { cursor } = this.#flights;
    // Events being set aside are written with a cursor that is ahead of this one until their write is done.
    if (!isAfter(cursor, this.#savedCursor)) return;
    this.#savedCursor = cursor;
    try {
      await this.#options.journal.write({ cursor });
    } catch (error) {
      this.#savedCursor = NOT_SAVED;
      this.#options.onError(error);
    }
  }
}

function isAfter(one: Cursor, other: Cursor): boolean {
  return one.row > other.row || (one.row === other.row && one.index > other.index);
}
