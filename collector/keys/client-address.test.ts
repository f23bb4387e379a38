import { describe, expect, test } from 'vitest';
import { trustProxies } from './client-address.ts';

type Headers = Partial<Record<'forwarded' | 'x-forwarded-for', string>>;

const clientOf = (trusted: readonly string[], peer: string | undefined, headers: Headers = {}): string | undefined =>
  trustProxies(trusted)(peer, (name) => headers[name]);
const PROXIES = ['10.0.0.0/8', '::1', 'fd00::/8'];

describe("the client's address", () => {
  test.each<[what: string, trusted: readonly string[], peer: string, headers: Headers, client: string | undefined]>([
    ['is the peer if no proxy is trusted', [], '10.0.0.1', { 'x-forwarded-for': '203.0.113.7' }, '10.0.0.1'],
    ['is a peer that is not a trusted proxy', PROXIES, '192.0.2.1', { 'x-forwarded-for': '203.0.113.7' }, '192.0.2.1'],
    ['is what a trusted peer says', PROXIES, '10.0.0.1', { 'x-forwarded-for': '203.0.113.7' }, '203.0.113.7'],
    ['is the peer if it says nothing', PROXIES, '10.0.0.1', {}, '10.0.0.1'],
    ['may be IPv6', PROXIES, '::1', { 'x-forwarded-for': '2001:db8::7' }, '2001:db8::7'],
    [
      'is also right for an IPv4 peer in IPv6 form',
      PROXIES,
      '::ffff:10.0.0.1',
      { 'x-forwarded-for': '203.0.113.7' },
      '203.0.113.7',
    ],
    ['has no port', PROXIES, '10.0.0.1', { 'x-forwarded-for': '203.0.113.7:51234' }, '203.0.113.7'],
    [
      'is the last one that is not a proxy, as the client may have made up those before it',
      PROXIES,
      '10.0.0.1',
      { 'x-forwarded-for': '1.2.3.4, 203.0.113.7 , 10.9.9.9,fd00::5' },
      '203.0.113.7',
    ],
    [
      'is the first one if all are proxies',
      PROXIES,
      '10.0.0.1',
      { 'x-forwarded-for': '10.0.0.3, 10.0.0.2' },
      '10.0.0.3',
    ],
    ['is taken from Forwarded', PROXIES, '10.0.0.1', { forwarded: 'by=x;for=203.0.113.7;proto=http' }, '203.0.113.7'],
    [
      'is taken from Forwarded with quotes, brackets, port and several hops',
      PROXIES,
      '10.0.0.1',
      { forwarded: 'for=1.2.3.4, For="[2001:db8::7]:4711", for=10.0.0.2;host=h' },
      '2001:db8::7',
    ],
    [
      'is taken from X-Forwarded-For if there are both, as a proxy that sets it may pass on Forwarded unchanged',
      PROXIES,
      '10.0.0.1',
      { 'x-forwarded-for': '203.0.113.7', forwarded: 'for=1.2.3.4' },
      '203.0.113.7',
    ],
    ['is unknown if the proxy does not say it', PROXIES, '10.0.0.1', { forwarded: 'for=unknown' }, undefined],
    ['is unknown if it is obfuscated', PROXIES, '10.0.0.1', { forwarded: 'for="_hidden"' }, undefined],
    ['is not taken from nonsense', PROXIES, '10.0.0.1', { 'x-forwarded-for': '203.0.113.7, <script>' }, undefined],
    ['is not taken from an empty header', PROXIES, '10.0.0.1', { 'x-forwarded-for': '' }, undefined],
  ])('%s', (_, trusted, peer, headers, client) => {
    expect(clientOf(trusted, peer, headers)).toBe(client);
  });

  test('is unknown without a peer', () => {
    expect(clientOf(PROXIES, undefined, { 'x-forwarded-for': '203.0.113.7' })).toBeUndefined();
  });
});
