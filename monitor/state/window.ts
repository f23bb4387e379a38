import type { Measures, Reading } from '../reading.ts';

/** A target's latest readings: the basis of average, minimum, maximum and loss. */
export class Window {
  readonly #size: number;
  /** Response times in milliseconds; undefined for a failed reading. */
  readonly #times: (number | undefined)[] = [];

  constructor(size: number) {
    this.#size = size;
  }

  /**
   * Adds a reading.
   *
   * @returns the statistics including it, with the names and whole numbers that existing consumers store
   */
  add({ healthy, measures }: Reading): Measures {
    const time = measures.response_time_ms;
    this.#times.push(healthy ? Number(time ?? 0) : undefined);
    if (this.#times.length > this.#size) this.#times.shift();
    const good = this.#times.filter((one) => one !== undefined);
    const loss = { response_time_loss: Math.round((100 * (this.#times.length - good.length)) / this.#times.length) };
    if (good.length === 0 || (healthy && time === undefined)) return loss;
    return {
      response_time_avg: Math.round(good.reduce((sum, one) => sum + one, 0) / good.length),
      response_time_min: Math.round(Math.min(...good)),
      response_time_max: Math.round(Math.max(...good)),
      ...loss,
    };
  }
}
