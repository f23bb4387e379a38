import fc from 'fast-check';
import { expect, test } from 'vitest';
import { runs } from '../test/support/form.ts';
import { printRows } from './output.ts';
import { terminalText } from './terminal-text.ts';

/** Characters that control a terminal instead of being shown. */
const HEEDED = /[\p{Cc}\p{Bidi_Control}\u2028\u2029]/u;
/** Any text, and many that would control a terminal. */
const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({
    unit: fc.constantFrom('a', '\u001b', '\u009b', '\u0007', '\u202e', '\u2066', '\u200f', '\n', '\r', '\ud800'),
  }),
);
const row = fc.record({ id: text, name: text });

/** What is written for a row to a terminal or to a pipe. */
function written(one: { id: string; name: string }, isTTY: boolean): string {
  let all = '';
  const stream = {
    isTTY,
    columns: 200,
    getColorDepth: () => 1,
    on: () => undefined,
    write: (part: string) => (all += part),
  } as unknown as NodeJS.WriteStream;
  printRows([one], ['id', 'name'], stream);
  return all;
}

test('no text of an event reaches a terminal with a control character', () => {
  fc.assert(
    fc.property(row, (one) => {
      for (const line of written(one, true).split('\n')) expect(line).not.toMatch(HEEDED);
    }),
    runs(500),
  );
});

test('a pipe gets one line of JSON with the same values, and no control character for a terminal at its end', () => {
  fc.assert(
    fc.property(row, (one) => {
      const [line = '', ...rest] = written(one, false).split('\n');
      expect(rest).toEqual(['']);
      expect(line).not.toMatch(HEEDED);
      expect(JSON.parse(line)).toEqual(one);
    }),
    runs(500),
  );
});

test.each([
  ['\u001b[2J', '\ufffd[2J'],
  ['\u009b31m', '\ufffd31m'],
  ['a\u202egnp.exe', 'a\ufffdgnp.exe'],
  ['👩‍🔬 測', '👩‍🔬 測'],
])('%j is shown as %j', (from, to) => {
  expect(terminalText(from)).toBe(to);
});
