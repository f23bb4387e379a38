import { afterEach, describe, expect, test } from 'vitest';
import { parseTime, printRows, rowPrinter, showWhole } from './output.ts';
import { widthOf } from './terminal-text.ts';
import { streamOf } from '../test/support/terminal-stream.ts';

function printed(rows: Parameters<typeof printRows>[0], columns: readonly string[], width?: number): string {
  const { stream, text } = streamOf(width);
  printRows(rows, columns, stream);
  return text();
}

const ROWS = [
  { id: 1, name: 'a', more: 'not a column' },
  { id: 2, name: null, extra: true },
];
const LONG = { id: 'f'.repeat(24), name: 'n'.repeat(200), note: 'x'.repeat(40) };

afterEach(() => showWhole(false));

describe('rows', () => {
  test('are one JSON object a line in a pipe, with all fields', () => {
    const lines = printed([...ROWS, LONG], ['id', 'name']).split('\n');
    expect(lines.pop()).toBe('');
    expect(lines.map((line): unknown => JSON.parse(line))).toEqual([...ROWS, LONG]);
  });

  test('are a table of the columns on a terminal', () => {
    expect(printed(ROWS, ['id', 'name'], 80)).toBe('id  name\n1   a\n2   \n');
  });

  test('print nothing in a pipe if there are none, and the columns on a terminal', () => {
    expect(printed([], ['id'])).toBe('');
    expect(printed([], ['id'], 80)).toBe('id\n');
  });

  test.each([20, 40, 80, 161])('fit a terminal of %i columns, cut with an ellipsis', (width) => {
    const lines = printed([LONG, ...ROWS], ['id', 'name', 'note'], width).split('\n');
    expect(Math.max(...lines.map(widthOf))).toBeLessThanOrEqual(width);
    expect(lines[1]).toContain('…');
  });

  test('say how many columns had no room', () => {
    expect(printed([LONG], ['id', 'name', 'note'], 40)).toMatch(
      /^id +name\nf{24}  n{13}…\n\(1 more column: --wide\)\n$/,
    );
  });

  test('are complete on request', () => {
    showWhole(true);
    expect(printed([LONG], ['id', 'name', 'note'], 40).split('\n')[1]).toBe(`${LONG.id}  ${LONG.name}  ${LONG.note}`);
  });

  test('are cut between characters, by the cells that these take', () => {
    const lines = printed([{ name: '地球観測'.repeat(9) }, { name: '👩‍🔬'.repeat(30) }], ['name'], 20).split('\n');
    expect(lines[1]).toBe('地球観測地球観測地…');
    expect(lines[2]).toBe(`${'👩‍🔬'.repeat(9)}…`);
  });

  test('that come later match the head that was printed first', () => {
    const { stream, text } = streamOf(80);
    const print = rowPrinter(['id', 'name'], stream);
    print([{ id: 'a', name: 'b' }]);
    print([{ id: 'longer', name: 'c' }]);
    print([{ id: 'd', name: 'e' }]);
    expect(text()).toBe('id  name\na   b\nlonger  c\nd       e\n');
  });

  test('show states in colours, if the terminal has them', () => {
    const { stream, text } = streamOf(80);
    printRows([{ probe: 'p', state: 'down' }], ['probe', 'state'], Object.assign(stream, { getColorDepth: () => 24 }));
    expect(text()).toBe('\u001b[1mprobe\u001b[22m  \u001b[1mstate\u001b[22m\np      \u001b[31mdown\u001b[39m\n');
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
