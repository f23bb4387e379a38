import { describe, expect, it } from 'vitest';
import { SinkError, type Sink } from '../sink.ts';
import { lazySink } from './lazy-sink.ts';

const signal = new AbortController().signal;

describe('a sink opened with its first batch', () => {
  it('is opened again with the next batch if that failed, then stays open', async () => {
    const failures: (Error | undefined)[] = [
      new SinkError('unreachable', 'nobody listens'),
      new SinkError('unauthorised', 'wrong key'),
      undefined,
    ];
    let closed = 0;
    const open = async (): Promise<Sink> => {
      const failure = failures.shift();
      if (failure !== undefined) throw failure;
      return {
        check: async () => 'well',
        send: async () => ({ kind: 'accepted' }),
        close: async () => {
          closed += 1;
        },
      };
    };
    const sink = lazySink(open);
    await sink.close();
    expect(await sink.send([], signal)).toEqual({ kind: 'retry', reason: 'nobody listens' });
    expect(await sink.send([], signal)).toEqual({ kind: 'misconfigured', reason: 'wrong key' });
    expect(await sink.send([], signal)).toEqual({ kind: 'accepted' });
    expect(await sink.send([], signal)).toEqual({ kind: 'accepted' });
    expect(failures).toEqual([]);
    await sink.close();
    expect(closed).toBe(1);
  });
});
