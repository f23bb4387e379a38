import type { IncomingHttpHeaders } from 'node:http';
import { describe, expect, test } from 'vitest';
import { authMethodOf, type AuthMethod } from './auth-method.ts';

const V1 = '/api/datasets/:id';
const V2 = '/api/v2/datasets/:id';
const BEARER = { authorization: 'Bearer a.b.c' };
const BASIC = { authorization: 'basic YW5uOnB3' };
const KEY = { 'x-api-key': 'k' };

describe('how a request authenticates its user to Clowder', () => {
  test.each<[string, string, IncomingHttpHeaders, string, AuthMethod]>([
    ['v1 with nothing', V1, {}, '', 'none'],
    [
      "v1 with a cookie that is not Clowder's session",
      V1,
      { cookie: 'PLAY_SESSION=a; lang=en; identity=b' },
      '',
      'none',
    ],
    ['v1 with its cookie', V1, { cookie: 'balancer=a; id=abc' }, '', 'session'],
    ['v1 with an empty cookie', V1, { cookie: 'id=' }, '', 'none'],
    ['v1 with Basic', V1, BASIC, '', 'basic'],
    ['v1 with cookie and Basic, where the cookie counts', V1, { ...BASIC, cookie: 'id=abc' }, '', 'session'],
    ['v1 with a key in the query', V1, {}, 'superAdmin=true&key=abc', 'api_key'],
    ['v1 with a key in a header', V1, KEY, '', 'api_key'],
    ['v1 with Basic and key, where Basic counts', V1, BASIC, 'key=abc', 'basic'],
    ['v1 with a token, which it does not read', V1, BEARER, '', 'none'],
    ['v2 with nothing', V2, {}, '', 'none'],
    ['v2 with a token', V2, BEARER, '', 'token'],
    ['v2 with its cookie', V2, { cookie: 'Authorization="Bearer a.b.c"' }, '', 'session'],
    [
      'v2 with token and cookie, where the token counts',
      V2,
      { ...BEARER, cookie: 'Authorization=Bearer%20a' },
      '',
      'token',
    ],
    ['v2 with a key', V2, KEY, '', 'api_key'],
    ['v2 with Basic, which it does not read', V2, BASIC, '', 'none'],
    ['v2 with a key in the query, which it does not read', V2, {}, 'key=abc', 'none'],
    ["a page of v2 with v2's cookie", '/datasets/:id', { cookie: 'Authorization=Bearer%20a' }, '', 'session'],
    ['a header without a credential', V2, { authorization: 'Bearer ' }, '', 'none'],
  ])('%s', (_what, template, headers, query, method) => {
    expect(authMethodOf(headers, query, template)).toBe(method);
  });
});
