import { describe, expect, it } from 'vitest';
import { measure, summarise } from '../../bench/row.ts';

const row = { name: 'speed', unit: 'events/s', target: 2 };

describe('a row of the benchmark', () => {
  it('gives medians of both sides, the median of the ratios and their range', () => {
    const figures = [
      { ours: 300, peer: 100 },
      { ours: 200, peer: 100 },
      { ours: 500, peer: 50 },
    ];
    expect(summarise(row, figures)).toEqual({ ...row, ours: 300, peer: 100, ratio: 3, spread: [2, 10] });
  });

  it('takes the middle of two rounds', () => {
    const figures = [
      { ours: 100, peer: 100 },
      { ours: 200, peer: 100 },
    ];
    expect(summarise(row, figures)).toMatchObject({ ours: 150, ratio: 1.5 });
  });

  it('measures the sides in turn, another one first each round, and disposes of them', async () => {
    const calls: string[] = [];
    const side = (name: string) => async (): Promise<number> => calls.push(name);
    const start = async () => ({
      ours: side('ours'),
      peer: side('peer'),
      [Symbol.asyncDispose]: async () => void calls.push('disposed'),
    });
    await measure({ ...row, start }, 2, () => {});
    expect(calls).toEqual(['ours', 'peer', 'peer', 'ours', 'disposed']);
  });
});
