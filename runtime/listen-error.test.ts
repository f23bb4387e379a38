import { expect, test } from 'vitest';
import { listenError, urlOf } from './listen-error.ts';

const error = (code: string): Error => Object.assign(new Error(`listen ${code}`), { code });

test.each([
  [
    'EADDRINUSE',
    'PROXY_ADMIN 127.0.0.1:80 is in use by another program: stop that one, or set the port of PROXY_ADMIN to a free one',
  ],
  [
    'EADDRNOTAVAIL',
    'PROXY_ADMIN 127.0.0.1 is not an address of this machine: set the host of PROXY_ADMIN to one that is, or to 0.0.0.0 for all',
  ],
  ['EACCES', 'This user may not listen on port 80: set the port of PROXY_ADMIN to one above 1023'],
  ['EMFILE', 'PROXY_ADMIN 127.0.0.1:80 cannot be listened on: listen EMFILE'],
])('%s is reported with the setting that has the address', (code, message) => {
  const cause = error(code);
  const told = listenError(cause, { host: '127.0.0.1', port: 80, setting: 'PROXY_ADMIN' });
  expect(told).toMatchObject({ code: 'cannot_listen', message, cause });
});

test('without such a setting, the message names HOST and PORT', () => {
  expect(listenError(error('EACCES'), { host: '::1', port: 80 }).message).toBe(
    'This user may not listen on PORT 80: set PORT to one above 1023',
  );
  expect(listenError('why', { host: '::1', port: 80 }).message).toBe('HOST ::1, PORT 80 cannot be listened on: why');
});

test('an IPv6 address is in brackets in a URL', () => {
  expect([urlOf('http', '::1', 80), urlOf('https', '127.0.0.1', 443)]).toEqual([
    'http://[::1]:80',
    'https://127.0.0.1:443',
  ]);
});
