import { describe, expect, it } from 'vitest';
import { createBufferReaper } from './buffer-reaper.ts';

const PIECE = 64 * 1024;
const MIB = 1024 * 1024;

describe('buffers of bodies that have passed', () => {
  it('do not pile up', () => {
    const before = process.memoryUsage().arrayBuffers;
    const passed = createBufferReaper(4 * MIB);
    let most = 0;
    for (let bytes = 0; bytes < 256 * MIB; bytes += PIECE) {
      passed(Buffer.alloc(PIECE).length);
      most = Math.max(most, process.memoryUsage().arrayBuffers - before);
    }
    expect(most).toBeLessThan(16 * MIB);
  });
});
