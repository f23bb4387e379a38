import { Writable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { parseTime, printRows, progress } from './output.ts';

/** A stream that is, or is not, a terminal, and what was written to it. */
function streamOf(isTTY: boolean): { stream: NodeJS.WriteStream; text: () => string } {
  let text = '';
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      text += chunk.toString();
      done();
    },
  });
  return { stream: Object.assign(stream, { isTTY }) as unknown as NodeJS.WriteStream, text: () => text };
}

function printed(rows: Parameters<typeof printRows>[0], columns: readonly string[], isTTY: boolean): string {
  const { stream, text } = streamOf(isTTY);
  printRows(rows, columns, stream);
  return text();
}

const ROWS = [
  { id: 1, name: 'a', more: 'not a column' },
  { id: 2, name: null, extra: true },
];

describe('rows', () => {
  test('are one JSON object a line in a pipe, with all that they have', () => {
    const lines = printed(ROWS, ['id', 'name'], false).split('\n');
    expect(lines.pop()).toBe('');
    expect(lines.map((line): unknown => JSON.parse(line))).toEqual(ROWS);
  });

  test('are a table of the columns on a terminal', () => {
    const table = printed(ROWS, ['id', 'name'], true);
    expect(table).toMatch(/│ id │ name │\n.*\n│ 1 {2}│ a {4}│\n.*\n│ 2 {2}│ {6}│\n/);
    expect(table).not.toContain('not a column');
  });

  test('that there are none of are nothing in a pipe, and the columns on a terminal', () => {
    expect(printed([], ['id'], false)).toBe('');
    expect(printed([], ['id'], true)).toContain('│ id │');
  });
});

describe('progress', () => {
  test('rewrites one line on a terminal, ten times a second at most', () => {
    const { stream, text } = streamOf(true);
    let now = 0;
    const shown = progress('events published', stream, () => now);
    for (now of [0, 50, 99, 100, 199]) shown.update(1000 + now);
    shown.end();
    expect(text()).toBe('\revents published: 1,000\revents published: 1,100\n');
  });

  test('says the rate, the share, and how long the rest takes, where it is known how much there is', () => {
    const { stream, text } = streamOf(true);
    let now = 0;
    const shown = progress('lines', stream, () => now);
    // A quarter in 2 s: 500 lines a second, and 6 s for the rest.
    now = 2000;
    shown.update(1000, { part: 100, total: 400 });
    shown.end();
    expect(text()).toMatch(/^\rlines: 1,000, 500\/s, 25 %, 6 s left +\n$/);
  });

  test('says nothing in a pipe', () => {
    const { stream, text } = streamOf(false);
    const shown = progress('events published', stream);
    shown.update(1);
    shown.end();
    expect(text()).toBe('');
  });
});

describe('a time', () => {
  const now = Date.UTC(2026, 8, 21, 12);

  test.each([
    ['90s', now - 90_000],
    ['15m', now - 15 * 60_000],
    ['6h', now - 6 * 3_600_000],
    ['7d', now - 7 * 86_400_000],
    ['500ms', now - 500],
    ['1.5h', now - 90 * 60_000],
    ['6 h', now - 6 * 3_600_000],
    ['15M', now - 15 * 60_000],
    ['2026-09-21T12:00:00Z', now],
    ['2026-09-21T14:00:00+02:00', now],
    ['2026-09-21', Date.UTC(2026, 8, 21)],
    [String(now), now],
  ])('is %s', (text, expected) => expect(parseTime(text, now)).toBe(expected));

  test.each(['', 'yesterday', '6', '0s', '6w', '-6h', '1h30m', 'NaN'])('is not %j', (text) => {
    expect(parseTime(text, now)).toBeUndefined();
  });
});
