import { describe, expect, it } from 'vitest';
import { outgoingProxy } from './outgoing-proxy.ts';

const LOOPBACK = 'localhost,127.0.0.1,::1,[::1]';

describe('the proxy for outgoing requests', () => {
  it.each([
    [{}, undefined],
    [{ HTTPS_PROXY: ' ', NO_PROXY: 'a.example' }, undefined],
    [{ HTTPS_PROXY: 'http://p:3128' }, { https_proxy: 'http://p:3128', no_proxy: LOOPBACK }],
    [
      {
        HTTPS_PROXY: 'http://p:3128',
        https_proxy: 'http://q:3128',
        http_proxy: 'http://r',
        NO_PROXY: '.example.org,b',
      },
      { https_proxy: 'http://q:3128', http_proxy: 'http://r', no_proxy: `.example.org,b,${LOOPBACK}` },
    ],
    [
      { HTTP_PROXY: 'http://p', NO_PROXY: '*' },
      { http_proxy: 'http://p', no_proxy: '*' },
    ],
  ])('of %j', (environment, expected) => {
    expect(outgoingProxy(environment)).toEqual(expected);
  });

  it.each(['proxy:3128', 'socks5://p:1080', 'ftp://user:pa55word@p'])(
    'cannot be %s, and the message has no password',
    (given) => {
      expect(() => outgoingProxy({ HTTPS_PROXY: given })).toThrow(/HTTPS_PROXY was .*must be the URL of a proxy/);
      expect(() => outgoingProxy({ HTTPS_PROXY: given })).not.toThrow(/pa55word/);
    },
  );
});
