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
 * Accepted messages that are not settled, in order, and those over which the broker may have closed the channel. If it
 * does so twice, each of them goes out alone, and the one that it then refuses is to blame.
 */
export class Unconfirmed {
  readonly #entries = new Map<number, Entry>();
  /** How often an id came back as unroutable; as many confirms of it follow. */
  readonly #returned = new Map<string, number>();
  #next = 0;
  /** The last entry that was unconfirmed when the broker first closed a channel. */
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

  /** @returns false if it was settled before */
  remove(entry: Entry): boolean {
    return this.#entries.delete(entry.number);
  }

  /** The next entry to go out alone; undefined once none is left, when all others continue. */
  nextAlone(): Entry | undefined {
    const head = this.head;
    if (head !== undefined && head.number <= this.#aloneTo) return head;
    this.#aloneTo = -1;
    return undefined;
  }

  /**
   * The broker closed the channel or the connection over something that was sent. @returns the entry to blame, once
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

  /** Nothing has come back on a new channel yet. */
  forgetReturned(): void {
    this.#returned.clear();
  }
}
