import { expect, test } from 'vitest';
import { givenOf, isUnset, textOf } from './source.ts';

test('empty values count as unset: undefined, an empty text, blanks, null', () => {
  expect([undefined, null, '', ' ', '\t\n'].map(isUnset)).toEqual([true, true, true, true, true]);
  expect([0, false, '0', [], 'x'].map(isUnset)).toEqual([false, false, false, false, false]);
});

test('the first source that sets a name takes precedence, and an empty one sets nothing', () => {
  const given = givenOf(['A', 'B', 'C', 'toString'], { A: '1', B: '', X: 'x' }, { A: '2', B: '2', C: null });
  expect(given).toEqual({ A: '1', B: '2' });
});

test('the text of a variable has no blanks around it', () => {
  expect(textOf({ A: ' a ', B: ' ' }, 'A')).toBe('a');
  expect(textOf({ A: ' a ', B: ' ' }, 'B')).toBeUndefined();
  expect(textOf({}, 'A')).toBeUndefined();
});
