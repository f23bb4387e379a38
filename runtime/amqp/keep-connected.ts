import { setTimeout as delay } from 'node:timers/promises';
import { backOff } from '../sending/back-off.ts';
import { redactAmqpUrl } from './amqp-url.ts';
import { explainBrokerError, type BrokerError } from './broker-error.ts';

export interface KeepConnectedOptions {
  /**
   * One URL per broker, from `parseAmqpUrls`: tried in turn, beginning with any of them, so that programs are spread
   * over brokers.
   */
  readonly urls: readonly string[];
  /** Bounds of the pause before the next attempt, in milliseconds. */
  readonly reconnectMs: { readonly min: number; readonly max: number };
  /** From 0 up to 1. @default Math.random */
  readonly random?: () => number;
  /** Ends it once the current connection has ended. */
  readonly signal: AbortSignal;
  /** One connection from opening to closing. @throws the error that ended it */
  readonly stay: (turn: Turn) => Promise<void>;
  /** The connection was refused or lost, possibly because of the signal. */
  readonly onLost: (error: BrokerError, broker: string) => void;
}

/** One attempt to connect. */
export interface Turn {
  readonly url: string;
  /** The URL without its password. */
  readonly broker: string;
  /** Call this when the connection works: pauses start from the shortest again. */
  readonly connected: () => void;
}

/** Connects to one broker after another, forever, with growing pauses. Never rejects. */
export async function keepConnected({
  urls,
  reconnectMs,
  random = Math.random,
  signal,
  stay,
  onLost,
}: KeepConnectedOptions): Promise<void> {
  // Half of a pause is fixed, so the first is no shorter than its lower bound.
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
