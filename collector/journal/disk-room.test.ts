import { expect, test } from 'vitest';
import type { DiskFiles, ReserveFile } from './disk-files.ts';
import { DiskRoom } from './disk-room.ts';

const MIB = 1024 * 1024;

/** A disk whose free bytes the test sets. It counts how often they were read. */
function disk(freeBytes: number) {
  const reserve = (): ReserveFile => {
    let bytes = 0;
    return { size: () => bytes, make: (wanted) => ((bytes = wanted), true), remove: () => (bytes = 0) };
  };
  const state = { freeBytes, looks: 0, nowMs: 0 };
  const files: DiskFiles = {
    free: () => {
      state.looks += 1;
      return state.freeBytes;
    },
    total: () => 1024 * MIB,
    walSize: () => 0,
    ballast: reserve(),
    startBallast: reserve(),
  };
  const room = new DiskRoom(files, 8 * MIB, () => state.nowMs);
  return { state, fits: (bytes: number) => room.hasRoomFor(bytes, () => 0) };
}

test('a disk with plenty of room is checked every tenth of a second, not for each write', () => {
  const { state, fits } = disk(1024 * MIB);
  expect(fits(1000)).toBe(true);
  const { looks } = state;
  for (let write = 0; write < 100; write += 1) expect(fits(1000)).toBe(true);
  expect(state.looks).toBe(looks);
  state.freeBytes = 0;
  state.nowMs += 100;
  expect(fits(1000)).toBe(false);
});

test('bytes written since the last check count, and may bring the next check forward', () => {
  const { state, fits } = disk(1024 * MIB);
  expect(fits(1000)).toBe(true);
  state.freeBytes = 0;
  let written = 0;
  while (fits(10 * MIB)) written += 10 * MIB;
  expect(written).toBeGreaterThan(0);
  expect(written).toBeLessThan(256 * MIB);
});

test('a disk with little room is checked for each write', () => {
  const { state, fits } = disk(100 * MIB);
  expect(fits(1000)).toBe(true);
  state.freeBytes = 0;
  expect(fits(1000)).toBe(false);
});
