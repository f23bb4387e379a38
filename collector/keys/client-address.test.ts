import { describe, expect, test } from 'vitest';
import { trustProxies } from './client-address.ts';

type Headers = Partial<Record<'forwarded' | 'x-forwarded-for', string>>;

const clientOf = (trusted: readonly string[], peer: string | undefined, headers: Headers = {}): string | undefined =>
  trustProxies(trusted)(peer, (name) => headers[name]);
const PROXIES = ['10.0.0.0/8', '::1', 'fd00::/8'];

describe('the address of the client', () => {
  test.each<[what: string, trusted: readonly string[], peer: string, headers: Headers, client: string | undefined]>([
    ['is the peer where nobody is trusted', [], '10.0.0.1', { 'x-forwarded-for': '203.0.113.7' }, '10.0.0.1'],
    ['is a peer that is no proxy', PROXIES, '192.0.2.1', { 'x-forwarded-for': '203.0.113.7' }, '192.0.2.1'],
    ['is what a trusted peer says', PROXIES, '10.0.0.1', { 'x-forwarded-for': '203.0.113.7' }, '203.0.113.7'],
    ['is the peer where it says nothing', PROXIES, '10.0.0.1', {}, '10.0.0.1'],
    ['may be IPv6', PROXIES, '::1', { 'x-forwarded-for': '2001:db8::7' }, '2001:db8::7'],
    [
      'is the same from an IPv4 peer in IPv6',
      PROXIES,
      '::ffff:10.0.0.1',
      { 'x-forwarded-for': '203.0.113.7' },
      '203.0.113.7',
    ],
    ['has no port', PROXIES, '10.0.0.1', { 'x-forwarded-for': '203.0.113.7:51234' }, '203.0.113.7'],
    [
      'is the last that is no proxy: what stands before it the client may have made up',
      PROXIES,
      '10.0.0.1',
      { 'x-forwarded-for': '1.2.3.4, 203.0.113.7 , 10.9.9.9,fd00::5' },
      '203.0.113.7',
    ],
    [
      'is the first where all are proxies',
      PROXIES,
      '10.0.0.1',
      { 'x-forwarded-for': '10.0.0.3, 10.0.0.2' },
      '10.0.0.3',
    ],
    ['is read from Forwarded', PROXIES, '10.0.0.1', { forwarded: 'by=x;for=203.0.113.7;proto=http' }, '203.0.113.7'],
    [
      'is read from Forwarded with quotes, brackets, port and several hops',
      PROXIES,
      '10.0.0.1',
      { forwarded: 'for=1.2.3.4, For="[2001:db8::7]:4711", for=10.0.0.2;host=h' },
      '2001:db8::7',
    ],
    [
      'is that of X-Forwarded-For where there are both: a proxy that sets it may pass on Forwarded as it came',
      PROXIES,
      '10.0.0.1',
      { 'x-forwarded-for': '203.0.113.7', forwarded: 'for=1.2.3.4' },
      '203.0.113.7',
    ],
    ['is not known where the proxy does not tell', PROXIES, '10.0.0.1', { forwarded: 'for=unknown' }, undefined],
    ['is not known where it is obfuscated', PROXIES, '10.0.0.1', { forwarded: 'for="_hidden"' }, undefined],
    ['is not made up from nonsense', PROXIES, '10.0.0.1', { 'x-forwarded-for': '203.0.113.7, <script>' }, undefined],
    ['is not made up from an empty header', PROXIES, '10.0.0.1', { 'x-forwarded-for': '' }, undefined],
  ])('%s', (_, trusted, peer, headers, client) => {
    expect(clientOf(trusted, peer, headers)).toBe(client);
  });

  test('is not known where there is no peer', () => {
    expect(clientOf(PROXIES, undefined, { 'x-forwarded-for': '203.0.113.7' })).toBeUndefined();
  });
});
