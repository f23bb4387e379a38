import { describe, expect, test } from 'vitest';
import { bringsApiKey, clientAddress, clientId, clientKind, observedKind } from './client.ts';

describe('the client', () => {
  test.each([
    ['192.0.2.77', '192.0.2.0'],
    ['192.0.2.77:51234', '192.0.2.0'],
    ['::ffff:192.0.2.77', '192.0.2.0'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1::'],
    ['[2001:db8:1:2::1]:443', '2001:db8:1::'],
    ['192.0.2.77, 10.0.0.1', '192.0.2.0'],
  ])('has the address %s cut to its network', (address, expected) => {
    expect(clientAddress(address, 'anonymise')).toBe(expected);
  });

  test('has nothing of a text that is not an address', () => {
    expect(clientAddress('unix:', 'anonymise')).toBeUndefined();
    expect(clientAddress('192.0.2.77', 'drop')).toBeUndefined();
    expect(clientAddress('192.0.2.77', 'full')).toBe('192.0.2.77');
  });

  test('has one id for each key, and another with the next key', () => {
    expect(clientId('192.0.2.77', 'a', 'monday')).toBe(clientId('::ffff:192.0.2.77', 'a', 'monday'));
    expect(clientId('192.0.2.77', 'a', 'monday')).not.toBe(clientId('192.0.2.77', 'a', 'tuesday'));
    expect(clientId('192.0.2.77', 'a', 'monday')).not.toBe(clientId('192.0.2.78', 'a', 'monday'));
  });

  test.each([
    ['Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36', 'browser'],
    ['Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)', 'bot'],
    ['pyclowder/3.0.8', 'extractor'],
    ['python-requests/2.32', 'api'],
    ['curl/8.5', 'api'],
    ['Python/3.11 aiohttp/3.9', 'api'],
    ['Apache-HttpClient/4.5.13 (Java/11.0.2)', 'api'],
    ['R (4.3.1 x86_64-pc-linux-gnu x86_64 linux-gnu)', 'api'],
    ['libcurl/7.68.0 r-curl/4.3.2 httr/1.4.2', 'api'],
    ['kube-probe/1.30', 'bot'],
    ['', undefined],
    [undefined, undefined],
  ])('with the user agent %s is %s', (agent, kind) => {
    expect(clientKind(agent)).toBe(kind);
  });

  test('with the library below pyclowder counts as an extractor if it brings an API key, as pyclowder always does', () => {
    const agent = 'python-requests/2.32.3';
    expect(clientKind(agent, bringsApiKey('', undefined))).toBe('api');
    expect(clientKind(agent, bringsApiKey('a=b&key=REDACTED', undefined))).toBe('extractor');
    expect(clientKind(agent, bringsApiKey('key=abc', undefined))).toBe('extractor');
    expect(clientKind(agent, bringsApiKey('', 'abc'))).toBe('extractor');
    expect(clientKind(agent, bringsApiKey('monkey=abc&extractor_key=a', undefined))).toBe('api');
    expect(clientKind('curl/8.5', bringsApiKey('key=abc', 'abc'))).toBe('api');
  });

  const requests = 'python-requests/2.32.3';
  const browser = 'Mozilla/5.0 (X11; Linux x86_64) Chrome/140.0 Safari/537.36';
  const seen = { userAgent: requests, address: '203.0.113.7', stated: undefined, bringsKey: true };
  const extractorsAt = (address: string) => address === '10.0.0.7';

  test("of an observed request has the proxy's kind, or one by agent and key, if no extractor addresses are configured", () => {
    expect(observedKind(seen, undefined)).toBe('extractor');
    expect(observedKind({ ...seen, stated: 'api' }, undefined)).toBe('api');
  });

  test.each([
    ["a person's script with a key", { stated: 'extractor' }, 'api'],
    ['a program at an extractor address, without a key', { address: '10.0.0.7', bringsKey: false }, 'extractor'],
    [
      'a program at an extractor address, without a User-Agent',
      { address: '10.0.0.7', userAgent: undefined },
      'extractor',
    ],
    ['pyclowder that says so, at any address', { userAgent: 'pyclowder/3.0.8' }, 'extractor'],
    ['a browser at an extractor address', { address: '10.0.0.7', userAgent: browser }, 'browser'],
    ['a robot at an extractor address', { address: '10.0.0.7', userAgent: 'kube-probe/1.30' }, 'bot'],
    ['a client without an address', { address: undefined }, 'api'],
  ])('has a kind by address if extractor addresses are configured: %s', (_, client, kind) => {
    expect(observedKind({ ...seen, ...client }, extractorsAt)).toBe(kind);
  });
});
