import type { EventMessage } from '../../exporter/message.ts';
import type { OnOutcome, Outcome, Publisher, PublisherCounters, PublisherState } from '../../exporter/publisher.ts';

/** The broker's reason when it refuses a message. */
export const REFUSAL = 'refused by the script';

interface Taken {
  readonly id: string;
  readonly onSettled: OnOutcome;
}

/** A publisher whose broker answers when the test says so. */
export class ScriptedPublisher implements Publisher {
  /** Ids of all published messages, in order. */
  readonly published: string[] = [];
  /** The immediate answer to each message; undefined leaves it to `settle`. */
  answer: (id: string) => Outcome | undefined = () => undefined;
  connected = true;
  readonly #window: number;
  #unconfirmed: Taken[] = [];
  #waiters: (() => void)[] = [];
  #closed = false;

  constructor(window = 1000) {
    this.#window = window;
  }

  get state(): PublisherState {
    return {
      connected: this.connected,
      blocked: false,
      broker: 'amqp://test',
      unconfirmed: this.#unconfirmed.length,
      lastError: undefined,
    };
  }

  get counters(): PublisherCounters {
    return { confirmed: 0, returned: 0, nacked: 0, refused: 0, republished: 0, reconnects: 0 };
  }

  get unconfirmed(): readonly string[] {
    return this.#unconfirmed.map(({ id }) => id);
  }

  publish(message: EventMessage, onSettled: OnOutcome): boolean {
    if (!this.#isReady()) return false;
    this.published.push(message.messageId);
    const answer = this.answer(message.messageId);
    if (answer === undefined) this.#unconfirmed.push({ id: message.messageId, onSettled });
    else queueMicrotask(() => onSettled(answer, answer === 'refused' ? REFUSAL : undefined));
    return true;
  }

  ready(): Promise<void> {
    if (this.#isReady() || this.#closed) return Promise.resolve();
    return new Promise((resolve) => this.#waiters.push(resolve));
  }

  /** Answers an unconfirmed message. */
  settle(id: string, outcome: Outcome = 'confirmed'): void {
    const taken = this.#unconfirmed.find((one) => one.id === id);
    if (taken === undefined) throw new Error(`${id} is not unconfirmed`);
    this.#unconfirmed = this.#unconfirmed.filter((one) => one !== taken);
    taken.onSettled(outcome, outcome === 'refused' ? REFUSAL : undefined);
    this.#wake();
  }

  async close(): Promise<readonly EventMessage[]> {
    this.#closed = true;
    this.#wake();
    return [];
  }

  #isReady(): boolean {
    return this.connected && !this.#closed && this.#unconfirmed.length < this.#window;
  }

  #wake(): void {
    for (const resolve of this.#waiters.splice(0)) resolve();
  }
}
