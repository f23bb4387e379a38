import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Told of bytes that have passed. */
export type BufferReaper = (bytes: number) => void;

/** Bodies passed between two collections: what buffers nobody needs any more take at most. */
const EVERY_BYTES = 16 * 1024 * 1024;

/**
 * Collects the buffers of bodies soon after they have passed. They live outside V8's heap and hardly show in it, so that V8 by
 * itself lets some 100 MiB of them pile up, and then collects all generations; the young one alone takes a fraction of a
 * millisecond (measured with downloads of 64 KiB: half the time spent in JavaScript).
 */
export function createBufferReaper(everyBytes: number = EVERY_BYTES): BufferReaper {
  const collect = youngCollection();
  let passed = 0;
  return (bytes) => {
    passed += bytes;
    if (passed < everyBytes) return;
    passed = 0;
    collect();
  };
}

/** V8's collector, which JavaScript gets only by a flag; nothing if it is not to be had. */
function youngCollection(): () => void {
  setFlagsFromString('--expose-gc');
  const gc: unknown = runInNewContext('globalThis.gc');
  return typeof gc === 'function' ? () => void gc({ type: 'minor' }) : () => undefined;
}
