import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { waitFor } from '../test/support/wait-for.ts';
import { ProbeRunner, turnOf } from './probe-runner.ts';
import type { Probe, Reading } from './reading.ts';

const good: Reading = { target: 't', healthy: true, measures: {} };
const bad: Reading = { target: 't', healthy: false, error: 'HTTP 500', measures: {} };
const never = new AbortController().signal;
const limits = { timeoutMs: 1000, retries: 2, retryPauseMs: 1 };

function scripted(
  ...results: readonly (Reading | Error | 'hang' | 'deaf')[]
): Probe & { readonly tries: () => number } {
  let tries = 0;
  return {
    target: 't',
    tries: () => tries,
    async run(signal) {
      const result = results[Math.min(tries, results.length - 1)];
      tries += 1;
      if (result === 'hang') await delay(60_000, undefined, { signal });
      if (result === 'deaf') await new Promise(() => undefined);
      if (result instanceof Error) throw result;
      return typeof result === 'object' ? [result] : [];
    },
  };
}

describe('a turn', () => {
  it('ends with the first good reading', async () => {
    const probe = scripted(bad, good);
    await expect(turnOf(probe, limits, never)).resolves.toEqual([good]);
    expect(probe.tries()).toBe(2);
  });

  it('is bad if no attempt was good, and has the error of the last one', async () => {
    const probe = scripted(bad, bad, new Error('connect ECONNREFUSED'));
    await expect(turnOf(probe, limits, never)).resolves.toMatchObject([
      { target: 't', healthy: false, error: 'connect ECONNREFUSED' },
    ]);
    expect(probe.tries()).toBe(3);
  });

  it.each(['hang', 'deaf'] as const)('is bad after the time-out if a probe never ends (%s)', async (how) => {
    await expect(turnOf(scripted(how), { ...limits, timeoutMs: 20, retries: 1 }, never)).resolves.toMatchObject([
      { healthy: false, error: 'no answer within 20 ms' },
    ]);
  });
});

describe('a runner', () => {
  let runner: ProbeRunner | undefined;
  afterEach(() => runner?.stop());

  const schedule = {
    intervalMs: 5,
    timeoutMs: 1000,
    retries: 0,
    retryPauseMs: 1,
    jitter: 0,
    failures: 1,
    successes: 1,
    window: 10,
  };

  it('reads again and again, and never begins a turn before the last one ended', async () => {
    let running = 0;
    let most = 0;
    let turns = 0;
    const probe: Probe = {
      target: 't',
      async run() {
        running += 1;
        most = Math.max(most, running);
        await delay(12);
        running -= 1;
        return [good];
      },
    };
    runner = new ProbeRunner({ probe, schedule, onReadings: () => (turns += 1) });
    await waitFor(() => turns >= 4, { what: 'four turns' });
    expect(most).toBe(1);
  });

  it('gives each reading the time at which it began', async () => {
    const times: number[] = [];
    let now = 1000;
    runner = new ProbeRunner({
      probe: scripted(good),
      schedule,
      now: () => (now += 60_000),
      onReadings: (_readings, atMs) => times.push(atMs),
    });
    await waitFor(() => times.length >= 2, { what: 'two readings' });
    expect(times.slice(0, 2)).toEqual([61_000, 121_000]);
  });

  it('reports nothing of a turn in which it was stopped', async () => {
    const probe = scripted('hang');
    const told: unknown[] = [];
    runner = new ProbeRunner({ probe, schedule, onReadings: (readings) => told.push(readings) });
    await waitFor(() => probe.tries() === 1, { what: 'the turn to begin' });
    await runner.stop();
    expect(told).toEqual([]);
  });
});
