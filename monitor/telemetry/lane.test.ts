import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { waitFor } from '../../test/support/wait-for.ts';
import { Lane } from './lane.ts';
import type { PostAnswer } from './post-otlp.ts';
import { Spool } from './spool.ts';

const ACCEPTED: PostAnswer = { kind: 'accepted', rejected: 0, message: '' };
const DOWN: PostAnswer = { kind: 'retry', reason: 'connect ECONNREFUSED' };

let dir = '';
let spool: Spool;
let lane: Lane | undefined;
let said: string[] = [];

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'lane-'));
  spool = new Spool({ dir, maxBytes: 1e6, onLost: () => undefined, onDisk: () => undefined });
  said = [];
});
afterEach(async () => {
  await lane?.stop();
  lane = undefined;
  spool.close();
  rmSync(dir, { recursive: true });
});

/** A lane whose receiver gives these answers in order, and accepts everything after that. */
function start(answer: (body: string, nth: number) => PostAnswer): { readonly posted: string[] } {
  const posted: string[] = [];
  const say = (level: string) => (_fields: object, message: string) => void said.push(`${level}: ${message}`);
  lane = new Lane({
    signal: 'logs',
    spool,
    post: async (body) => {
      posted.push(Buffer.from(body).toString());
      return answer(posted.at(-1) ?? '', posted.length);
    },
    log: { info: say('info'), warn: say('warn'), error: say('error') },
    now: () => 1000,
    random: () => 0,
    pauseMs: { first: 2, longest: 8, misconfigured: 4 },
  });
  return { posted };
}

function add(...texts: readonly string[]): void {
  for (const text of texts) spool.add('logs', 1, Buffer.from(text));
}

const drained = (): Promise<boolean> => waitFor(() => spool.stats.rows === 0, { what: 'the spool to be empty' });

describe('a lane', () => {
  it('sends what waits as one request, and later telemetry when it is woken', async () => {
    add('a', 'b');
    const { posted } = start(() => ACCEPTED);
    await drained();
    add('c');
    lane?.wake();
    await drained();
    expect(posted).toEqual(['ab', 'c']);
    expect(lane?.counters).toMatchObject({ sent: 3, rejected: 0, retries: 0, problem: '' });
  });

  it('sends the same request again until it is accepted, and reports that once', async () => {
    add('a');
    const { posted } = start((_body, nth) => (nth <= 4 ? DOWN : ACCEPTED));
    await drained();
    expect(posted).toEqual(['a', 'a', 'a', 'a', 'a']);
    expect(lane?.counters).toMatchObject({ sent: 1, retries: 4, problem: '' });
    expect(said).toEqual([
      'warn: telemetry cannot be sent; it is kept on disk and sent again',
      'info: telemetry is sent again',
    ]);
  });

  it('waits as long as the receiver asks', async () => {
    add('a');
    const times: number[] = [];
    start((_body, nth) => {
      times.push(performance.now());
      return nth === 1 ? { kind: 'retry', reason: 'HTTP 503', afterMs: 200 } : ACCEPTED;
    });
    await drained();
    expect((times[1] ?? 0) - (times[0] ?? 0)).toBeGreaterThanOrEqual(199);
  });

  it('finds the one request that is refused, moves it aside, and sends the others', async () => {
    add('a', 'b', 'X', 'c', 'd');
    const { posted } = start((body) => (body.includes('X') ? { kind: 'rejected', reason: 'HTTP 400' } : ACCEPTED));
    await drained();
    expect(posted.filter((body) => !body.includes('X')).join('')).toBe('abcd');
    expect(spool.stats.refused).toBe(1);
    expect(lane?.counters).toMatchObject({ sent: 4, rejected: 1 });
  });

  it('keeps everything while the receiver refuses its key, and reports that loudly each time', async () => {
    add('a');
    start((_body, nth) => (nth <= 2 ? { kind: 'misconfigured', reason: 'HTTP 401' } : ACCEPTED));
    await drained();
    expect(said.filter((one) => one.startsWith('error: the receiver does not take'))).toHaveLength(2);
    expect(lane?.counters).toMatchObject({ sent: 1, rejected: 0 });
  });

  it('counts what the receiver rejects of a request that it accepts', async () => {
    add('a', 'b', 'c');
    start(() => ({ kind: 'accepted', rejected: 2, message: 'target is missing' }));
    await drained();
    expect(lane?.counters).toMatchObject({ sent: 1, rejected: 2 });
    expect(said).toEqual(['error: the receiver refuses telemetry for good']);
  });

  it('counts as drained if sending fails, so that the process does not wait for a receiver that is away', async () => {
    add('a');
    start(() => DOWN);
    await lane?.drained();
    expect(spool.stats.rows).toBe(1);
    await lane?.stop();
    expect(spool.stats.rows).toBe(1);
  });
});
