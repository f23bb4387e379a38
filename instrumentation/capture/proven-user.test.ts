import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { provenUser } from './proven-user.ts';
import { runs } from '../../test/support/form.ts';

const segment = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const jwt = (claims: object): string => `${segment({ alg: 'RS256' })}.${segment(claims)}.c2ln`;
const basic = (credentials: string): string => `Basic ${Buffer.from(credentials).toString('base64')}`;

const SUB = '0af76519-16cd-43dd-8448-eb211c80319c';
const ANN = jwt({ sub: SUB, email: 'ann@c.example', preferred_username: 'ann' });
const V1 = '/api/datasets/:id';
const V2 = '/api/v2/datasets/:id';

describe('the user that a request proves', () => {
  test.each([
    ['v1 Basic', V1, { authorization: basic('ann@c.example:pw:x') }, { userName: 'ann@c.example' }],
    ['v2 Bearer', V2, { authorization: `Bearer ${ANN}` }, { userName: 'ann@c.example', userId: SUB }],
    [
      'a token without an address',
      V2,
      { authorization: `bearer ${jwt({ preferred_username: 'ann' })}` },
      { userName: 'ann' },
    ],
    ['v2 cookie', V2, { cookie: `a=b; Authorization="Bearer ${ANN}"` }, { userName: 'ann@c.example', userId: SUB }],
    ['v2 cookie, encoded', V2, { cookie: `Authorization=Bearer%20${ANN}` }, { userName: 'ann@c.example', userId: SUB }],
    [
      'v2 key',
      V2,
      { 'x-api-key': `${segment({ user: 'ann@c.example', key: 'k' })}.c2ln` },
      { userName: 'ann@c.example' },
    ],
  ])('%s', (_what, template, headers, user) => {
    expect(provenUser(headers, template, 'POST')).toEqual(user);
  });

  test.each([
    ["v1's cookie, which takes precedence over Basic,", V1, { authorization: basic('ann:pw'), cookie: 'id=abc' }],
    ["v1's key, which has no name,", V1, { 'x-api-key': 'abc' }],
    ['a token in v1', V1, { authorization: `Bearer ${ANN}` }],
    ['Basic in v2', V2, { authorization: basic('ann:pw') }],
    ['Basic without a name', V1, { authorization: basic(':pw') }],
    ['invalid Basic', V1, { authorization: 'Basic %%%' }],
    ['an invalid token', V2, { authorization: 'Bearer abc.def.ghi' }],
    ['a token without a user', V2, { authorization: `Bearer ${jwt({ email: 7 })}` }],
    ['a public route', '/api/v2/public_files/:id', { authorization: `Bearer ${ANN}` }],
    ['a health check', '/api/v2/status', { authorization: `Bearer ${ANN}` }],
    ['no route', undefined, { authorization: basic('ann:pw') }],
    ['nothing', V1, {}],
  ])('%s proves nobody', (_what, template, headers) => {
    expect(provenUser(headers, template, 'POST')).toEqual({});
  });

  test('a name proves nobody if v1 shows the public file to any name; a route that needs a login proves it', () => {
    const headers = { authorization: basic('made-up:x') };
    expect(provenUser(headers, '/api/files/:id/blob', 'GET')).toEqual({});
    expect(provenUser(headers, '/api/files/:id', 'DELETE')).toEqual({ userName: 'made-up' });
    expect(provenUser(headers, '/api/me', 'GET')).toEqual({ userName: 'made-up' });
    expect(provenUser({ authorization: `Bearer ${ANN}` }, V2, 'GET')).toMatchObject({ userName: 'ann@c.example' });
  });

  test('never throws, whatever the headers', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.constantFrom(V1, V2), (value, cookie, template) => {
        provenUser({ authorization: value, cookie, 'x-api-key': value }, template, 'POST');
        provenUser({ authorization: `Bearer eyJ${value}`, cookie: `Authorization=${cookie}` }, template, 'POST');
        provenUser({ authorization: `Bearer eyJ.${segment([value])}.x` }, template, 'POST');
      }),
      runs(),
    );
  });
});
