import type { ChannelModel } from 'amqplib';
import type { EventMessage } from '../../exporter/message.ts';
import { createPublisher, type Outcome, type Publisher } from '../../exporter/publisher.ts';
import type { BrokerTls } from '../../runtime/amqp/connection.ts';

/** The outcome for a copy, with the reason if it is not in the queue. */
export interface Answer {
  readonly outcome: Outcome;
  readonly reason: string;
}

export interface QueuePublisherOptions {
  readonly url: string;
  readonly tls: BrokerTls | undefined;
  readonly connectionName: string;
  /** Declares the queue if it is missing. */
  readonly declare: (model: ChannelModel) => Promise<void>;
}

const REASONS = {
  confirmed: 'RabbitMQ has it',
  returned: 'the queue is not there',
  nacked: 'the queue takes nothing now: is it full?',
  refused: 'RabbitMQ refuses it',
} as const satisfies Record<Outcome, string>;

/**
 * Publishes copies directly to a queue. It has its own connection, so that a broker that closes it over a copy breaks nothing
 * else.
 */
export class QueuePublisher {
  readonly #publisher: Publisher;
  readonly #closed = Promise.withResolvers<never>();
  #isClosed = false;

  constructor({ url, declare, tls, connectionName }: QueuePublisherOptions) {
    this.#closed.promise.catch(() => undefined);
    this.#publisher = createPublisher({
      urls: url,
      connectionName,
      target: { exchange: '', declare },
      ...(tls !== undefined && { tls }),
    });
  }

  /** Why there are no answers now, if known. */
  get problem(): string | undefined {
    const { lastError, blocked } = this.#publisher.state;
    return blocked ? 'RabbitMQ takes nothing now: it is short of memory or disk' : lastError?.message;
  }

  /** Resolves once the broker has answered, however many connections that takes. @throws Error if it is closed first */
  send(copy: EventMessage): Promise<Answer> {
    return Promise.race([this.#send(copy), this.#closed.promise]);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#closed.reject(new Error('the connection is closed'));
    await this.#publisher.close({ timeoutMs: 0 });
  }

  async #send(copy: EventMessage): Promise<Answer> {
    const answer = Promise.withResolvers<Answer>();
    const settled = (outcome: Outcome, words?: string): void =>
      answer.resolve({ outcome, reason: words ?? REASONS[outcome] });
    while (!this.#isClosed && !this.#publisher.publish(copy, settled)) await this.#publisher.ready();
    return answer.promise;
  }
}
