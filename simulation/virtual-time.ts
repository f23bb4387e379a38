import { syncBuiltinESMExports } from 'node:module';
import timersPromises from 'node:timers/promises';

interface Timer {
  atMs: number;
  readonly order: number;
  readonly everyMs: number | undefined;
  /** Whether it is of the process under simulation, and ends with it. */
  readonly isMortal: boolean;
  readonly run: () => void;
}

/** What stands in for the handle of a timer. */
interface Handle {
  readonly order: number;
  ref(): Handle;
  unref(): Handle;
  hasRef(): boolean;
}

const realImmediate = setImmediate;
/** So many turns without the time going on mean that something runs in circles. */
const TURNS_MOST = 200_000;

/**
 * The clock, the timers and the chance of this process, in the hands of a simulation: nothing happens but when the
 * simulation says so, and the same calls always give the same. Code under simulation need not know of it.
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

  /** @param random from 0 up to 1, for `Math.random` */
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

  /** The process has its own time again. */
  uninstall(): void {
    this.#restore();
  }

  /** Lets everything run that waits for nothing but its turn. */
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

  /** Lets so much time pass, timer by timer. */
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

  /** Something of the world outside, which goes on when the process ends. */
  later(ms: number, run: () => void): void {
    this.#add(run, ms, undefined, false);
  }

  /** The process ends: nothing that it had in mind comes to pass. */
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

/** One turn of the real event loop: every promise that can go on has gone on. */
function turn(): Promise<void> {
  return new Promise((resolve) => realImmediate(resolve));
}

/** @returns what puts the originals back */
function replace(target: object, by: Record<string, unknown>): () => void {
  const originals = Object.fromEntries(Object.keys(by).map((name) => [name, Reflect.get(target, name) as unknown]));
  Object.assign(target, by);
  return () => void Object.assign(target, originals);
}
