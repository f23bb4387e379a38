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

  it('has a ratio above 1 if ours is better, even if less is better', () => {
    const figures = [{ ours: 16, peer: 64 }];
    expect(summarise({ ...row, better: 'lower' }, figures)).toMatchObject({
      ours: 16,
      peer: 64,
      ratio: 4,
      spread: [4, 4],
    });
  });

  it('is measured in no more rounds than make sense', async () => {
    let rounds = 0;
    const side = async (): Promise<number> => ++rounds;
    const start = async () => ({ ours: side, peer: async () => 1, [Symbol.asyncDispose]: async () => {} });
    await measure({ ...row, maxRounds: 2, start }, 5, () => {});
    expect(rounds).toBe(2);
  });

  it('is measured on both sides in turn, with the other side first each round, and both are disposed of', async () => {
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
