import type { EventMessage } from './message.ts';
import type { OnOutcome } from './outcome.ts';

/** An accepted message that the broker has not answered yet. */
export interface Entry {
  readonly number: number;
  readonly message: EventMessage;
  readonly onSettled: OnOutcome;
  sentAt: number;
  /** When the wait for the confirm began: `sentAt`, or the end of a block. */
  waitingSince: number;
}

/**
 * Accepted messages that are not settled yet, in order. It also finds the message that makes the broker close the channel. If
 * the broker does so twice over unconfirmed messages, each of them goes out alone; the next one it refuses is to blame.
 */
export class Unconfirmed {
  readonly #entries = new Map<number, Entry>();
  /** How often each id came back as unroutable; the broker confirms it as often. */
  readonly #returned = new Map<string, number>();
  #next = 0;
  /** Number of the last entry that was unconfirmed when the broker first closed a channel. */
  #suspectedTo = -1;
  /** Entries up to this number go out alone. */
  #aloneTo = -1;

  get size(): number {
    return this.#entries.size;
  }

  get isAlone(): boolean {
    return this.#aloneTo >= 0;
  }

  get head(): Entry | undefined {
    for (const entry of this.#entries.values()) return entry;
    return undefined;
  }

  all(): readonly Entry[] {
    return [...this.#entries.values()];
  }

  of(routingKey: string): readonly Entry[] {
    return this.all().filter(({ message }) => message.routingKey === routingKey);
  }

  add(message: EventMessage, onSettled: OnOutcome): Entry {
    const entry: Entry = { number: this.#next, message, onSettled, sentAt: 0, waitingSince: 0 };
    this.#next += 1;
    this.#entries.set(entry.number, entry);
    return entry;
  }

  /** @returns false if the entry was already settled */
  remove(entry: Entry): boolean {
    return this.#entries.delete(entry.number);
  }

  /** Returns the next entry to send alone; undefined once none is left and all others may go out. */
  nextAlone(): Entry | undefined {
    const head = this.head;
    if (head !== undefined && head.number <= this.#aloneTo) return head;
    this.#aloneTo = -1;
    return undefined;
  }

  /**
   * Call this when the broker has closed the channel or the connection over a message. @returns the message to blame, once
   * known
   */
  blame(): Entry | undefined {
    const head = this.head;
    if (head === undefined || this.isAlone) return head;
    if (head.number <= this.#suspectedTo) {
      this.#aloneTo = this.#next - 1;
      this.#suspectedTo = -1;
    } else this.#suspectedTo = this.#next - 1;
    return undefined;
  }

  cameBack(id: string): void {
    this.#returned.set(id, (this.#returned.get(id) ?? 0) + 1);
  }

  /** Whether this confirm belongs to a message that came back before. */
  wasReturned(id: string): boolean {
    if (this.#returned.size === 0) return false;
    const count = this.#returned.get(id);
    if (count === undefined) return false;
    if (count > 1) this.#returned.set(id, count - 1);
    else this.#returned.delete(id);
    return true;
  }

  /** Call this on a new channel, where nothing has come back yet. */
  forgetReturned(): void {
    this.#returned.clear();
  }
}
