import { describe, expect, it } from 'vitest';
import { isOver, readSetCookie, readSetCookies } from './set-cookie.ts';

const NOW = Date.parse('2026-05-01T12:00:00Z');

describe('the cookies that an answer sets', () => {
  it('are separated correctly if joined by commas, including dates and empty values', () => {
    const joined =
      'a=1; Expires=Wed, 21 Oct 2026 07:28:00 GMT; Path=/, b="x,y"; HttpOnly,c=; Expires=Thu, 01-Jan-1970 00:00:00 GMT';
    expect(readSetCookies(joined).map(({ name, value }) => [name, value])).toEqual([
      ['a', '1'],
      ['b', '"x,y"'],
      ['c', ''],
    ]);
  });

  it('exclude those without a name', () => {
    expect(['', '=x', ' ; Path=/', 'x'].map(readSetCookie)).toEqual([undefined, undefined, undefined, undefined]);
  });

  it.each([
    ['a=1', false],
    ['a=1; Max-Age=0', true],
    ['a=1; max-age=-86400; Path=/', true],
    ['a=1; Max-Age=3600; Expires=Thu, 01 Jan 1970 00:00:00 GMT', false],
    ['a=1; Max-Age=0; Expires=Fri, 01 Jan 2100 00:00:00 GMT', true],
    ['a=1; Max-Age=; Expires=Thu, 01 Jan 1970 00:00:00 GMT', true],
    ['a=1; Max-Age=soon', false],
    ['a=1; Expires=Fri, 01 May 2026 11:59:59 GMT', true],
    ['a=1; Expires=Fri, 01-May-2026 11:59:59 GMT', true],
    ['a=1; Expires=Fri, 01 May 2026 12:00:01 GMT', false],
    ['a=1; Expires=0', false],
    ['a=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Expires=Fri, 01 Jan 2100 00:00:00 GMT', false],
  ])('%s has expired: %s', (line, over) => {
    const cookie = readSetCookie(line);
    expect(cookie !== undefined && isOver(cookie, NOW)).toBe(over);
  });
});
