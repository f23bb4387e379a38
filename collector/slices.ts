import { setImmediate as nextTurn } from 'node:timers/promises';

const SLICE_MS = 5;

/** Makes something of each, in order; after some milliseconds others have a turn. */
export async function mapInSlices<T, R>(items: readonly T[], map: (item: T, index: number) => R): Promise<R[]> {
  const made: R[] = [];
  let sliceEnds = performance.now() + SLICE_MS;
  for (const [index, item] of items.entries()) {
    made.push(map(item, index));
    if (performance.now() < sliceEnds) continue;
    await nextTurn();
    sliceEnds = performance.now() + SLICE_MS;
  }
  return made;
}
