import { randomBytes } from 'node:crypto';
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { BodyPieces } from './body-pieces.ts';

it('puts pieces of any sizes together again', async () => {
  const bytes = randomBytes(20 * 1024 * 1024);
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(6 * 1024 * 1024), { maxLength: 12 }), async (lengths) => {
      const pieces = new BodyPieces();
      let end = 0;
      for (const length of lengths) {
        if (end + length > bytes.length) break;
        pieces.add(bytes.subarray(end, end + length));
        end += length;
      }
      expect(pieces.size).toBe(end);
      expect(bytes.subarray(0, end).equals(await pieces.whole())).toBe(true);
    }),
    { numRuns: 20 },
  );
});

it('does not hold a large body twice', async () => {
  const pieces = new BodyPieces();
  const piece = Buffer.alloc(1024 * 1024, 'x');
  const before = process.memoryUsage().arrayBuffers;
  for (let n = 0; n < 64; n += 1) pieces.add(piece);
  const whole = await pieces.whole();
  expect(whole.length).toBe(64 * piece.length);
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(80 * 1024 * 1024);
});

it('gives the memory of a body that nobody wants back at once', () => {
  const pieces = new BodyPieces();
  const piece = Buffer.alloc(1024 * 1024, 'x');
  const before = process.memoryUsage().arrayBuffers;
  for (let n = 0; n < 64; n += 1) pieces.add(piece);
  pieces.drop();
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(16 * 1024 * 1024);
});
