import { describe, expect, test } from 'vitest';
import { clientAddress, clientId, clientKind } from './client.ts';

describe('client', () => {
  test.each([
    ['192.0.2.77', '192.0.2.0'],
    ['192.0.2.77:51234', '192.0.2.0'],
    ['::ffff:192.0.2.77', '192.0.2.0'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1::'],
    ['[2001:db8:1:2::1]:443', '2001:db8:1::'],
    ['192.0.2.77, 10.0.0.1', '192.0.2.0'],
  ])('cuts the address %s to its network', (address, expected) => {
    expect(clientAddress(address, 'anonymise')).toBe(expected);
  });

  test('keeps nothing of what is no address', () => {
    expect(clientAddress('unix:', 'anonymise')).toBeUndefined();
    expect(clientAddress('192.0.2.77', 'drop')).toBeUndefined();
    expect(clientAddress('192.0.2.77', 'full')).toBe('192.0.2.77');
  });

  test('the same client has one id within a key, and another with the next key', () => {
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
    [undefined, undefined],
  ])('takes the user agent %s for %s', (agent, kind) => {
    expect(clientKind(agent)).toBe(kind);
  });
});
