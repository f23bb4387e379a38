import type { IncomingHttpHeaders } from 'node:http';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { authorityOf, originOf, type Origin } from './origin.ts';
import { runs } from '../../test/support/form.ts';

function origin(headers: IncomingHttpHeaders, trusted = true, remoteAddress: string | undefined = '10.0.0.1'): Origin {
  const head = { method: 'GET', target: '/', httpVersion: '1.1', scheme: 'http' as const, headers, remoteAddress };
  return originOf(head, trusted);
}

describe('the client and the address that it called', () => {
  test.each([
    [{ host: 'clowder.example' }, 'clowder.example', 80],
    [{ host: 'clowder.example:9000' }, 'clowder.example', 9000],
    [{ host: '[::1]:9000' }, '[::1]', 9000],
    [{ host: '[::1]' }, '[::1]', 80],
    [{ host: 'clowder.example:none' }, 'clowder.example', 80],
    [{}, '', undefined],
  ])('%j is host %s and port %s', (headers, host, port) => {
    expect(origin(headers)).toEqual({ clientAddress: '10.0.0.1', scheme: 'http', host, port });
  });

  test.each([
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['2001:DB8::1', '2001:db8::1'],
    ['192.0.2.999', undefined],
    ['', undefined],
  ])('peer %s of the connection is the client %s', (address, client) => {
    expect(origin({}, true, address).clientAddress).toBe(client);
  });

  test.each([
    [{ 'x-forwarded-for': '192.0.2.7, 10.1.1.1' }, '192.0.2.7'],
    [{ 'x-forwarded-for': '192.0.2.7:5123' }, '192.0.2.7'],
    [{ 'x-forwarded-for': 'unknown' }, '10.0.0.1'],
    [{ forwarded: 'for="[2001:db8::1]:4711";proto=https, for=10.1.1.1' }, '2001:db8::1'],
    [{ forwarded: 'For=192.0.2.43', 'x-forwarded-for': '192.0.2.7' }, '192.0.2.43'],
    [{ forwarded: 'for=_hidden' }, '10.0.0.1'],
  ])('a trusted proxy that sends %j names the client %s; another peer does not', (headers, client) => {
    expect(origin(headers).clientAddress).toBe(client);
    expect(origin(headers, false).clientAddress).toBe('10.0.0.1');
  });

  test.each([
    [{ 'x-forwarded-proto': 'https', 'x-forwarded-host': 'clowder.example' }, 'https://clowder.example'],
    [{ 'x-forwarded-proto': 'https', 'x-forwarded-port': '8443' }, 'https://inside:8443'],
    [{ 'x-forwarded-proto': 'gopher' }, 'http://inside'],
    [{ forwarded: 'host="clowder.example:8443";proto=HTTPS' }, 'https://clowder.example:8443'],
  ])('a trusted proxy that sends %j was called at %s', (headers, authority) => {
    expect(authorityOf(origin({ host: 'inside', ...headers }))).toBe(authority);
    expect(authorityOf(origin({ host: 'inside', ...headers }, false))).toBe('http://inside');
  });

  test('never throws, whatever the headers', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.string(), (forwarded, host, address) => {
        origin({ forwarded, host, 'x-forwarded-for': host }, true, address);
        origin({ 'x-forwarded-for': forwarded, 'x-forwarded-host': host, 'x-forwarded-port': address });
      }),
      runs(),
    );
  });
});
