import { setFlagsFromString } from 'node:v8';

/**
 * Makes V8 collect sooner than it would: it lets several times the memory in use lie unused before it frees any.
 *
 * @param percent how much the memory of objects may grow over what is in use, before the next collection
 */
export function limitHeapGrowth(percent: number): void {
  setFlagsFromString(`--heap-growing-percent=${percent}`);
}
