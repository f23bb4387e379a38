import { syncBuiltinESMExports } from 'node:module';
import timersPromises from 'node:timers/promises';

interface Timer {
  atMs: number;
  readonly order: number;
  readonly everyMs: number | undefined;
  /** Whether the timer belongs to the simulated process and ends with it. */
  readonly isMortal: boolean;
  readonly run: () => void;
}

/** Replaces a timer's handle. */
interface Handle {
  readonly order: number;
  ref(): Handle;
  unref(): Handle;
  hasRef(): boolean;
}

const realImmediate = setImmediate;
/** This many turns without time advancing mean an endless loop. */
const TURNS_MOST = 200_000;

/**
 * Puts the clock, timers and random numbers of this process under a simulation's control. Nothing happens until the simulation
 * says so, and the same calls always give the same results. Simulated code need not know.
 */
export class VirtualTime {
  /** Unix time in milliseconds. */
  nowMs: number;
  readonly #startedMs: number;
  readonly #timers = new Map<number, Timer>();
  #immediates: (() => void)[] = [];
  #order = 0;
  #turns = 0;
  #restore: () => void = () => undefined;

  constructor(startMs: number) {
    this.nowMs = startMs;
    this.#startedMs = startMs;
  }

  /** @param random at least 0 and below 1, for `Math.random` */
  install(random: () => number): void {
    const globals = {
      setTimeout: (run: () => void, ms = 0) => this.#add(run, ms, undefined),
      setInterval: (run: () => void, ms = 0) => this.#add(run, ms, Math.max(1, ms)),
      setImmediate: (run: (...args: unknown[]) => void, ...args: unknown[]) => {
        this.#immediates.push(() => run(...args));
      },
      clearTimeout: (handle?: Handle) => void this.#timers.delete(handle?.order ?? -1),
      clearInterval: (handle?: Handle) => void this.#timers.delete(handle?.order ?? -1),
    };
    const promised = {
      setTimeout: (ms = 0, value?: unknown, options?: { signal?: AbortSignal }) =>
        this.#delay(ms, value, options?.signal),
      setImmediate: (value?: unknown) => new Promise((resolve) => this.#immediates.push(() => resolve(value))),
    };
    const undo = [
      replace(globalThis, globals),
      replace(timersPromises, promised),
      replace(Date, { now: () => this.nowMs }),
      replace(performance, { now: () => this.nowMs - this.#startedMs }),
      replace(Math, { random }),
    ];
    syncBuiltinESMExports();
    this.#restore = () => {
      for (const one of undo) one();
      syncBuiltinESMExports();
    };
  }

  /** Gives the process its own time back. */
  uninstall(): void {
    this.#restore();
  }

  /** Runs everything that waits only for its turn. */
  async settle(): Promise<void> {
    for (;;) {
      await turn();
      if (this.#immediates.length === 0) return;
      this.#turns += 1;
      if (this.#turns > TURNS_MOST) throw new Error('It runs in circles: time does not go on');
      const due = this.#immediates;
      this.#immediates = [];
      for (const run of due) run();
    }
  }

  /** Lets this much time pass, timer by timer. */
  async pass(ms: number): Promise<void> {
    const untilMs = this.nowMs + ms;
    await this.settle();
    for (let next = this.#next(untilMs); next !== undefined; next = this.#next(untilMs)) {
      if (next.atMs > this.nowMs) this.#turns = 0;
      this.nowMs = Math.max(this.nowMs, next.atMs);
      if (next.everyMs === undefined) this.#timers.delete(next.order);
      else next.atMs += next.everyMs;
      next.run();
      await this.settle();
    }
    this.nowMs = untilMs;
  }

  /** Schedules something in the outside world, which continues when the process ends. */
  later(ms: number, run: () => void): void {
    this.#add(run, ms, undefined, false);
  }

  /** Ends the process: nothing that it scheduled happens. */
  endProcess(): void {
    for (const [order, { isMortal }] of this.#timers) if (isMortal) this.#timers.delete(order);
    this.#immediates = [];
  }

  #next(untilMs: number): Timer | undefined {
    let next: Timer | undefined;
    for (const timer of this.#timers.values())
      if (timer.atMs <= untilMs && (next === undefined || timer.atMs < next.atMs)) next = timer;
    return next;
  }

  #add(run: () => void, ms: number, everyMs: number | undefined, isMortal = true): Handle {
    this.#order += 1;
    const order = this.#order;
    this.#timers.set(order, { atMs: this.nowMs + Math.max(1, ms), order, everyMs, isMortal, run });
    const handle: Handle = { order, ref: () => handle, unref: () => handle, hasRef: () => true };
    return handle;
  }

  #delay(ms: number, value: unknown, signal: AbortSignal | undefined): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const abort = (): void => {
        this.#timers.delete(handle.order);
        reject(new DOMException('The operation was aborted', 'AbortError'));
      };
      const handle = this.#add(
        () => {
          signal?.removeEventListener('abort', abort);
          resolve(value);
        },
        ms,
        undefined,
      );
      if (signal?.aborted === true) abort();
      else signal?.addEventListener('abort', abort, { once: true });
    });
  }
}

/** One turn of the real event loop: every promise that can continue has continued. */
function turn(): Promise<void> {
  return new Promise((resolve) => realImmediate(resolve));
}

/** @returns a function that restores the originals */
function replace(target: object, by: Record<string, unknown>): () => void {
  const originals = Object.fromEntries(Object.keys(by).map((name) => [name, Reflect.get(target, name) as unknown]));
  Object.assign(target, by);
  return () => void Object.assign(target, originals);
}
