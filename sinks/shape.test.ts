import { describe, expect, test } from 'vitest';
import { eventOf } from '../test/support/sinks/arbitrary-events.ts';
import { clip, text, userOf, visitorOf } from './shape.ts';

describe('the visitor of an event', () => {
  const visitor = (fields: Record<string, string>): string => visitorOf(eventOf('view.page', fields));

  test('is the client if there is one, then the user, then the program', () => {
    const program = { clowder_instance: 'i', client_kind: 'extractor', extractor_name: 'ocr' };
    expect(visitor({ client_id: 'c', user_id: 'u', ...program })).toBe('c');
    expect(visitor({ user_id: 'u', ...program })).toBe(visitor({ user_id: 'u' }));
    expect(visitor(program)).toBe(visitor({ ...program, file_id: 'f' }));
    expect(
      new Set([
        visitor({ user_id: 'u' }),
        visitor(program),
        visitor({ ...program, extractor_name: 'other' }),
        visitor({}),
      ]).size,
    ).toBe(4);
  });

  test("is never Clowder v1's anonymous user, which stands for everybody", () => {
    const anonymous = '0'.repeat(24);
    expect(visitor({ user_id: anonymous })).toBe(visitor({}));
    expect(userOf(eventOf('view.page', { user_id: anonymous }))).toBeUndefined();
  });
});

describe('a text', () => {
  test('is cut without splitting a surrogate pair', () => {
    expect([clip('abc', 3), clip('abcd', 3), clip('ab🐘', 3), clip('a🐘', 3)]).toEqual(['abc', 'abc', 'ab', 'a🐘']);
  });

  test('counts as absent if it is blank', () => {
    expect([
      text(eventOf('view.page', { title: ' ' }), 'title'),
      text(eventOf('view.page', { bytes: 0 }), 'bytes'),
    ]).toEqual([undefined, '0']);
  });
});
