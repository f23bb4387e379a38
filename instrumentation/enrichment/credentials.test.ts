import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { requestHead } from '../../test/support/captured-request.ts';
import { credentialsOf, fingerprint } from './credentials.ts';

describe('credentials of a request', () => {
  test.each<['v1' | 'v2', Record<string, string>, string, Record<string, string> | undefined]>([
    ['v1', { cookie: 'a=1; id=5e55; PLAY_SESSION=x' }, '/', { cookie: 'id=5e55' }],
    ['v1', { authorization: 'Basic YTpi' }, '/', { authorization: 'Basic YTpi' }],
    ['v1', { 'x-api-key': 'k' }, '/?key=other', { 'x-api-key': 'k' }],
    ['v1', {}, '/api/files?page=1&key=a%2Db', { 'x-api-key': 'a-b' }],
    ['v1', {}, '/api/files?key=a%0D%0AX: 1', undefined],
    ['v1', {}, '/api/files', undefined],
    ['v1', { cookie: 'Authorization=x' }, '/', undefined],
    ['v2', { cookie: 'x=1; Authorization="Bearer%20t"' }, '/', { cookie: 'Authorization="Bearer%20t"' }],
    ['v2', { authorization: 'Bearer t', 'x-api-key': 'k' }, '/', { authorization: 'Bearer t', 'x-api-key': 'k' }],
    ['v2', { cookie: 'id=1' }, '/?key=k', undefined],
  ])('of %s with %j and %s', (version, headers, target, expected) => {
    expect(credentialsOf(requestHead(headers, target), version)).toEqual(expected);
  });

  test('are recognised by a value that does not reveal them, and only within this process', () => {
    const key = randomBytes(32);
    const mark = fingerprint({ cookie: 'id=5e55' }, key);
    expect(mark).toBe(fingerprint({ cookie: 'id=5e55' }, key));
    expect(mark).not.toContain('5e55');
    expect(fingerprint({ cookie: 'id=5e56' }, key)).not.toBe(mark);
    expect(fingerprint({ cookie: 'id=5e55' }, randomBytes(32))).not.toBe(mark);
  });
});
