import { backOff, heeding, jittered } from './back-off.ts';

/** How long to wait after failures, all in milliseconds. */
export interface RetrySettings {
  /** The longest first pause; each further one is twice as long. */
  readonly firstMs: number;
  readonly longestMs: number;
  /** A service's Retry-After is capped at this. */
  readonly retryAfterMaxMs: number;
  /** After this many failures in a row, the circuit opens. */
  readonly openAfter: number;
  /** How long it stays open before a small batch is tried. */
  readonly openMs: number;
}

export const CIRCUIT_STATES = ['closed', 'open', 'half_open'] as const;
export type CircuitState = (typeof CIRCUIT_STATES)[number];

/** Whether a service may be called now: back-off after failures, and a circuit breaker if they continue. */
export class Gate {
  readonly #settings: RetrySettings;
  readonly #random: () => number;
  #failures = 0;
  #notBeforeMs = 0;
  #open = false;

  /** @param random from 0 up to 1 */
  constructor(settings: RetrySettings, random: () => number) {
    this.#settings = settings;
    this.#random = random;
  }

  /** Failures in a row. */
  get failures(): number {
    return this.#failures;
  }

  /** `half_open`: the next batch decides. */
  state(nowMs: number): CircuitState {
    if (!this.#open) return 'closed';
    return nowMs < this.#notBeforeMs ? 'open' : 'half_open';
  }

  waitMs(nowMs: number): number {
    return Math.max(0, this.#notBeforeMs - nowMs);
  }

  success(): void {
    this.#failures = 0;
    this.#open = false;
    this.#notBeforeMs = 0;
  }

  /** @param wishMs the pause that the service asks for */
  failure(nowMs: number, wishMs?: number): void {
    const { retryAfterMaxMs, openAfter, openMs } = this.#settings;
    this.#failures += 1;
    this.#open ||= this.#failures >= openAfter;
    const pause = this.#open ? jittered(openMs, this.#random) : this.pauseMs(this.#failures);
    this.#notBeforeMs = nowMs + heeding(wishMs, pause, retryAfterMaxMs);
  }

  /** The service refuses our credentials: only an operator can help, so the circuit opens at once. */
  refused(nowMs: number): void {
    this.#failures += 1;
    this.#open = true;
    this.#notBeforeMs = nowMs + jittered(this.#settings.openMs, this.#random);
  }

  /** The pause after the nth failure in a row. */
  pauseMs(failures: number): number {
    const { firstMs, longestMs } = this.#settings;
    return backOff(failures, { first: firstMs, longest: longestMs }, this.#random);
  }
}
