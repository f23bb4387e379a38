import { describe, expect, test } from 'vitest';
import { markCaptured } from './trace-state.ts';

const REQUEST = 'b7ad6b7169203331';
const members = (count: number): string => Array.from({ length: count }, (_, index) => `v${index}=x`).join(',');

describe('the mark in tracestate', () => {
  test.each([
    ['is alone if there was nothing', '', `clowder=${REQUEST}`],
    ['comes first, before the others in their order', 'rojo=1,congo=2', `clowder=${REQUEST},rojo=1,congo=2`],
    ['replaces an older one', 'rojo=1, clowder=0123456789abcdef ,congo=2', `clowder=${REQUEST},rojo=1,congo=2`],
    ['drops empty members', 'rojo=1,, ,congo=2', `clowder=${REQUEST},rojo=1,congo=2`],
  ])('%s', (_what, others, marked) => {
    expect(markCaptured(others, REQUEST)).toBe(marked);
  });

  test('makes room among 32 members by dropping the last', () => {
    const marked = markCaptured(members(32), REQUEST).split(',');
    expect(marked).toHaveLength(32);
    expect(marked.slice(0, 2)).toEqual([`clowder=${REQUEST}`, 'v0=x']);
    expect(marked.at(-1)).toBe('v30=x');
  });

  test('keeps to 512 characters', () => {
    const long = (name: string): string => `${name}=${'x'.repeat(238)}`;
    expect(markCaptured(`${long('a')},${long('b')},${long('c')}`, REQUEST)).toBe(
      `clowder=${REQUEST},${long('a')},${long('b')}`,
    );
  });
});
