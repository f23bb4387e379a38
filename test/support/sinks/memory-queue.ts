import type { Delivery } from '../../../sinks/delivery/delivery.ts';
import type { DeadClass, QueueLink, QueueMessage } from '../../../sinks/queue/message.ts';

export interface DeadMessage {
  readonly id: string;
  readonly class: DeadClass;
  readonly reason: string;
}

interface Stored {
  readonly id: string;
  readonly content: Uint8Array;
}

/**
 * An in-memory queue that behaves like RabbitMQ's: prefetch, acks per link, and unacknowledged messages requeued in their
 * place.
 */
export class MemoryQueue {
  readonly #delivery: Pick<Delivery, 'attach' | 'detach' | 'receive'>;
  readonly #prefetch: number;
  readonly dead: DeadMessage[] = [];
  /** Not handed out yet, in order. */
  #ready: Stored[] = [];
  /** Handed out on the current link, by tag, in order. */
  #unacked = new Map<number, Stored>();
  #link: QueueLink | undefined;
  #nextTag = 1;

  constructor(delivery: Pick<Delivery, 'attach' | 'detach' | 'receive'>, prefetch: number) {
    this.#delivery = delivery;
    this.#prefetch = prefetch;
  }

  /** Messages that are neither acknowledged nor dead. */
  get size(): number {
    return this.#ready.length + this.#unacked.size;
  }

  publish(...bodies: readonly { readonly event_id: string }[]): void {
    for (const body of bodies) this.publishRaw(body.event_id, Buffer.from(JSON.stringify(body)));
  }

  publishRaw(id: string, content: Uint8Array): void {
    this.#ready.push({ id, content });
    this.#handOut();
  }

  connect(): void {
    const link: QueueLink = {
      ack: (tag, multiple) => this.#ack(link, tag, multiple),
      bury: (message, why) => this.#bury(link, message, why),
    };
    this.#link = link;
    this.#nextTag = 1;
    this.#delivery.attach(link);
    this.#handOut();
  }

  /** Loses the connection, with all acknowledgements in flight. */
  disconnect(): void {
    this.#link = undefined;
    this.#ready = [...this.#unacked.values(), ...this.#ready];
    this.#unacked = new Map();
    this.#delivery.detach();
  }

  #handOut(): void {
    while (this.#link !== undefined && this.#unacked.size < this.#prefetch) {
      const stored = this.#ready.shift();
      if (stored === undefined) return;
      const message: QueueMessage = { tag: this.#nextTag, ...stored, replayed: false };
      this.#nextTag += 1;
      this.#unacked.set(message.tag, stored);
      this.#delivery.receive(message);
    }
  }

  #ack(link: QueueLink, tag: number, multiple: boolean): void {
    if (link !== this.#link) return;
    if (!this.#unacked.has(tag)) throw new Error(`PRECONDITION_FAILED - unknown delivery tag ${tag}`);
    for (const open of multiple ? [...this.#unacked.keys()].filter((one) => one <= tag) : [tag])
      this.#unacked.delete(open);
    // A broker answers later, never within the call.
    queueMicrotask(() => this.#handOut());
  }

  async #bury(link: QueueLink, message: QueueMessage, why: { class: DeadClass; reason: string }): Promise<void> {
    await Promise.resolve();
    if (link !== this.#link) throw new Error('the connection is lost');
    this.dead.push({ id: message.id, ...why });
  }
}
