import { setImmediate as turn } from 'node:timers/promises';
import type { Clock } from '../../../runtime/sending/clock.ts';

interface Timer {
  readonly atMs: number;
  readonly fire: () => void;
}

/** Time that passes only when nothing else can happen. */
export class VirtualClock implements Clock {
  #nowMs = 0;
  readonly #timers = new Set<Timer>();

  now(): number {
    return this.#nowMs;
  }

  wait(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal.aborted) {
        resolve();
        return;
      }
      const fire = (): void => {
        this.#timers.delete(timer);
        signal.removeEventListener('abort', fire);
        resolve();
      };
      const timer: Timer = { atMs: this.#nowMs + Math.max(0, ms), fire };
      this.#timers.add(timer);
      signal.addEventListener('abort', fire, { once: true });
    });
  }

  /** Runs everything that can happen now. */
  async settle(): Promise<void> {
    await turn();
    await turn();
  }

  /** Advances to the next timer. @returns false if there is none */
  async step(): Promise<boolean> {
    await this.settle();
    const [next] = [...this.#timers].filter(({ atMs }) => Number.isFinite(atMs)).toSorted((a, b) => a.atMs - b.atMs);
    if (next === undefined) return false;
    this.#nowMs = Math.max(this.#nowMs, next.atMs);
    next.fire();
    await this.settle();
    return true;
  }

  /** Steps until the condition holds. @throws Error if it does not hold after that many steps */
  async until(condition: () => boolean, steps = 5000): Promise<void> {
    await this.settle();
    for (let count = 0; !condition(); count += 1) {
      if (count === steps || !(await this.step())) throw new Error(`not so after ${count} steps, at ${this.#nowMs} ms`);
    }
  }
}
