import { setTimeout as delay } from 'node:timers/promises';
import { backOff } from '../sending/back-off.ts';
import { redactAmqpUrl } from './amqp-url.ts';
import { explainBrokerError, type BrokerError } from './broker-error.ts';

export interface KeepConnectedOptions {
  /** Of one broker each, as `parseAmqpUrls` gives them: tried in turn, from any of them on, so that programs are spread over them. */
  readonly urls: readonly string[];
  /** Bounds of the pause before the next try, milliseconds. */
  readonly reconnectMs: { readonly min: number; readonly max: number };
  /** From 0 up to 1. @default Math.random */
  readonly random?: () => number;
  /** Ends it, once the connection that is there has ended. */
  readonly signal: AbortSignal;
  /** One connection from its beginning to its end. @throws what ended it */
  readonly stay: (turn: Turn) => Promise<void>;
  /** The connection was refused, or lost; also if that is because of the signal. */
  readonly onLost: (error: BrokerError, broker: string) => void;
}

/** One try to connect. */
export interface Turn {
  readonly url: string;
  /** The URL without its password. */
  readonly broker: string;
  /** To be called when the connection is of use: pauses begin anew after that. */
  readonly connected: () => void;
}

/** Connects to one broker after another, again and again, with growing pauses. It never rejects. */
export async function keepConnected({
  urls,
  reconnectMs,
  random = Math.random,
  signal,
  stay,
  onLost,
}: KeepConnectedOptions): Promise<void> {
  // Half of a pause is certain: so the first is no shorter than its lower bound.
  const bounds = { first: 2 * reconnectMs.min, longest: reconnectMs.max };
  const first = Math.floor(random() * urls.length);
  for (let failures = 0, turn = first; !signal.aborted; turn += 1) {
    const url = urls[turn % urls.length] ?? '';
    const broker = redactAmqpUrl(url);
    try {
      await stay({ url, broker, connected: () => (failures = 0) });
    } catch (error) {
      onLost(explainBrokerError(error, broker), broker);
    }
    failures += 1;
    await delay(backOff(failures, bounds, random), undefined, { signal }).catch(() => undefined);
  }
}
