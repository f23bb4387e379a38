import type { Channel, ConsumeMessage } from 'amqplib';
import { TRACE_EXCHANGE } from '../broker/queues.ts';

/** `unknown` without a connection, and until the first test. */
export type FirehoseState = 'unknown' | 'on' | 'off';

const PROBE_TYPE = 'clowder-otel.probe';
const PROBE_EVERY_MS = 15_000;
/** If no copy has come by then, the firehose is off. */
const COPY_WITHIN_MS = 3000;

/**
 * Finds out whether the firehose is on. AMQP does not say, and a restarted broker has it off. From time to time a
 * message is sent to our own queue; if the firehose is on, a copy of it arrives too.
 */
export class FirehoseSwitch {
  readonly #queue: string;
  readonly #onChange: (state: FirehoseState) => void;
  #state: FirehoseState = 'unknown';
  #every: NodeJS.Timeout | undefined;
  #waiting: NodeJS.Timeout | undefined;

  constructor(queue: string, onChange: (state: FirehoseState) => void) {
    this.#queue = queue;
    this.#onChange = onChange;
  }

  get state(): FirehoseState {
    return this.#state;
  }

  begin(channel: Channel): void {
    const probe = (): void => {
      try {
        channel.sendToQueue(this.#queue, Buffer.alloc(0), { type: PROBE_TYPE, expiration: COPY_WITHIN_MS });
      } catch {
        // The channel is closed; `end` follows.
        return;
      }
      this.#waiting ??= setTimeout(() => {
        this.#waiting = undefined;
        this.#set('off');
      }, COPY_WITHIN_MS);
    };
    this.#every = setInterval(probe, PROBE_EVERY_MS);
    probe();
  }

  end(): void {
    clearInterval(this.#every);
    clearTimeout(this.#waiting);
    this.#waiting = undefined;
    this.#set('unknown');
  }

  /** @returns whether the message is our test message, or a copy of one */
  take({ fields, properties }: ConsumeMessage): boolean {
    const isCopy = fields.exchange === TRACE_EXCHANGE;
    if (!isCopy) return properties.type === PROBE_TYPE;
    const of: unknown = properties.headers?.['properties'];
    if (typeof of !== 'object' || of === null || !('type' in of) || of.type !== PROBE_TYPE) return false;
    clearTimeout(this.#waiting);
    this.#waiting = undefined;
    this.#set('on');
    return true;
  }

  #set(state: FirehoseState): void {
    if (state === this.#state) return;
    this.#state = state;
    this.#onChange(state);
  }
}
