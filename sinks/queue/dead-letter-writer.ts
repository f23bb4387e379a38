import type { Message } from 'amqplib';
import { setTimeout as delay } from 'node:timers/promises';
import type { BrokerTls } from '../../runtime/amqp/connection.ts';
import { backOff } from '../../runtime/sending/back-off.ts';
import { copyOf, leanCopyOf } from './copy.ts';
import { declareDeadQueue } from './declare.ts';
import type { DeadReason } from './message.ts';
import { DEAD_HEADERS, deadQueueName } from './names.ts';
import { QueuePublisher, type Answer } from './queue-publisher.ts';

/** Messages that RabbitMQ does not accept into the dead-letter queue. They stay in the sink's queue until it does. */
export interface Unburied {
  readonly messages: number;
  /** The reason for the latest one. */
  readonly reason: string;
}

export interface DeadLetterWriterOptions {
  readonly sink: string;
  readonly url: string;
  readonly tls: BrokerTls | undefined;
  /** Called when there are such messages, and when there are none any more. */
  readonly onUnburied: (unburied: Unburied | undefined) => void;
}

/** Longest reason in characters. Services may give reasons of any length, but a frame is limited. */
const REASON_LENGTH = { whole: 1000, lean: 200 };
/**
 * Short at first, for an operator who has just emptied the queue or granted a right; long for what can never be buried.
 * Milliseconds.
 */
const PAUSE = { first: 2000, longest: 10 * 60_000 };

/** How long the broker may take before the message counts as unburied, in milliseconds. */
const LATE_MS = 5000;
const LOOK_MS = 1000;

/** Puts messages into a sink's dead-letter queue. It retries those that the broker does not accept, without delaying others. */
export class DeadLetterWriter {
  readonly #options: DeadLetterWriterOptions;
  readonly #closing = new AbortController();
  /** Messages on their way: when they started, and why the broker last refused them. */
  readonly #pending = new Map<Message, { readonly sinceMs: number; refusal?: string }>();
  #publisher: QueuePublisher | undefined;
  #looking: NodeJS.Timeout | undefined;
  #problem = 'RabbitMQ does not answer';
  #isTold = false;

  constructor(options: DeadLetterWriterOptions) {
    this.#options = options;
  }

  get unburied(): Unburied | undefined {
    const late = performance.now() - LATE_MS;
    const unburied = [...this.#pending.values()].filter(
      ({ sinceMs, refusal }) => refusal !== undefined || sinceMs < late,
    );
    if (unburied.length === 0) return undefined;
    const refusals = unburied.flatMap(({ refusal }) => refusal ?? []);
    return { messages: unburied.length, reason: refusals.at(-1) ?? this.#problem };
  }

  /** Resolves once the broker has confirmed the copy. @throws Error if the writer is closed first */
  async put(message: Message, why: DeadReason): Promise<void> {
    const { signal } = this.#closing;
    const state: { readonly sinceMs: number; refusal?: string } = { sinceMs: performance.now() };
    this.#pending.set(message, state);
    this.#looking ??= setInterval(() => this.#look(), LOOK_MS).unref();
    try {
      for (let failures = 1; ; failures += 1) {
        const { outcome, reason } = await this.#try(message, why);
        if (outcome === 'confirmed') return;
        state.refusal = reason;
        this.#look();
        await delay(backOff(failures, PAUSE, Math.random), undefined, { signal });
      }
    } finally {
      this.#pending.delete(message);
      this.#look();
    }
  }

  async close(): Promise<void> {
    this.#closing.abort();
    clearInterval(this.#looking);
    await this.#publisher?.close();
  }

  /** Sends the whole message, then, if the broker refuses that, the reduced copy. */
  async #try(message: Message, why: DeadReason): Promise<Answer> {
    const queue = deadQueueName(this.#options.sink);
    const publisher = this.#open();
    const answer = await publisher.send(copyOf(message, queue, deadHeaders(why, REASON_LENGTH.whole)));
    if (answer.outcome !== 'refused') return answer;
    return publisher.send(leanCopyOf(message, queue, deadHeaders(why, REASON_LENGTH.lean)));
  }

  /** Opens the publisher with the first dead letter, because most sinks never have one. */
  #open(): QueuePublisher {
    const { sink, url, tls } = this.#options;
    if (this.#closing.signal.aborted) throw new Error('the connection is closed');
    this.#publisher ??= new QueuePublisher({
      url,
      tls,
      connectionName: `clowder-otel sink ${sink}, dead letters`,
      declare: (model) => declareDeadQueue(model, sink),
    });
    return this.#publisher;
  }

  #look(): void {
    if (this.#closing.signal.aborted) return;
    this.#problem = this.#publisher?.problem ?? this.#problem;
    const { unburied } = this;
    if ((unburied !== undefined) !== this.#isTold) this.#options.onUnburied(unburied);
    this.#isTold = unburied !== undefined;
    if (this.#pending.size > 0) return;
    clearInterval(this.#looking);
    this.#looking = undefined;
  }
}

function deadHeaders({ class: deadClass, reason }: DeadReason, length: number): Record<string, string> {
  return {
    [DEAD_HEADERS.class]: deadClass,
    [DEAD_HEADERS.reason]: reason.slice(0, length).toWellFormed(),
    [DEAD_HEADERS.time]: new Date().toISOString(),
  };
}
