import { setImmediate as nextTurn } from 'node:timers/promises';

const SLICE_MS = 5;

/** Work that yields where others may have a turn. */
export type Sliced<R> = Generator<void, R, void>;

/** Does the work, and yields every few milliseconds. */
export async function inSlices<R>(work: Sliced<R>): Promise<R> {
  let sliceEnds = performance.now() + SLICE_MS;
  for (;;) {
    const { done, value } = work.next();
    if (done === true) return value;
    if (performance.now() < sliceEnds) continue;
    await nextTurn();
    sliceEnds = performance.now() + SLICE_MS;
  }
}

/** Does the work without yielding. */
export function atOnce<R>(work: Sliced<R>): R {
  for (;;) {
    const { done, value } = work.next();
    if (done === true) return value;
  }
}

/** Works without yielding for that time, and then in slices. */
export function beginWork<R>(
  work: Sliced<R>,
  ms: number,
): { readonly done: true; readonly value: R } | { readonly done: false; readonly rest: Promise<R> } {
  const ends = performance.now() + ms;
  do {
    const { done, value } = work.next();
    if (done === true) return { done, value };
  } while (performance.now() < ends);
  return { done: false, rest: inSlices(work) };
}

/** Maps each item, in order, and yields every few milliseconds. */
export async function mapInSlices<T, R>(items: readonly T[], map: (item: T, index: number) => R): Promise<R[]> {
  const made: R[] = [];
  let sliceEnds = performance.now() + SLICE_MS;
  for (const item of items) {
    made.push(map(item, made.length));
    if (made.length === items.length || performance.now() < sliceEnds) continue;
    await nextTurn();
    sliceEnds = performance.now() + SLICE_MS;
  }
  return made;
}

/** Does one piece of work after the other, so that only one at a time takes memory. */
export function oneAtATime(): <R>(work: () => Promise<R>) => Promise<R> {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const done = last.then(work);
    last = done.catch(() => undefined);
    return done;
  };
}
