import { describe, expect, test } from 'vitest';
import { progress } from './progress.ts';
import { streamOf } from '../test/support/terminal-stream.ts';

const AGAIN = '\r\u001b[K';

describe('progress', () => {
  test('rewrites one line on a terminal, at most ten times a second, and leaves the last figure', () => {
    const { stream, text } = streamOf(80);
    let now = 0;
    const shown = progress('events published', stream, () => now);
    for (now of [0, 50, 99, 100, 199]) shown.update(1000 + now);
    shown.end();
    expect(text()).toBe(
      `${AGAIN}events published: 1,000${AGAIN}events published: 1,100, 11,000/s${AGAIN}events published: 1,199, 6,025/s\n`,
    );
  });

  test('shows the rate, and the share and remaining time if the total is known', () => {
    const { stream, text } = streamOf(80);
    let now = 0;
    const shown = progress('lines', stream, () => now);
    // A quarter in 2 s: 500 lines a second, and 6 s for the rest.
    now = 2000;
    shown.update(1000, { part: 100, total: 400 });
    shown.end();
    expect(text()).toBe(`${AGAIN}lines: 1,000, 500/s, 25 %, 6 s left\n`);
  });

  test.each([
    [3600, '59 min 0 s left'],
    [7230, '1 h 59 min left'],
  ])('shows the remaining %i s in two units, after a minute', (total, said) => {
    const { stream, text } = streamOf(120);
    let now = 0;
    const shown = progress('lines', stream, () => now);
    now = 60_000;
    shown.update(60, { part: 60, total });
    shown.end();
    expect(text()).toContain(said);
  });

  test('says what it waits for, and leaves the waiting out of the rate', () => {
    const { stream, text } = streamOf(80);
    let now = 0;
    const shown = progress('events published', stream, () => now);
    shown.say('waiting for a broker');
    now = 20_000;
    shown.say('waiting for a broker: connect ECONNREFUSED 127.0.0.1:5672');
    now = 21_000;
    shown.update(500);
    shown.end();
    expect(text()).toMatch(/waiting for a broker.*ECONNREFUSED 127\.0\.0\.1:5672.*events published: 500, 500\/s\n$/s);
  });

  test('never takes more than a line', () => {
    const { stream, text } = streamOf(20);
    progress('events published', stream).update(1_000_000);
    expect(text()).toBe(`${AGAIN}events published: …`);
  });

  test('shows nothing in a pipe', () => {
    const { stream, text } = streamOf(undefined);
    const shown = progress('events published', stream);
    shown.update(1);
    shown.end();
    expect(text()).toBe('');
  });
});
