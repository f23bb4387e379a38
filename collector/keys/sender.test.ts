import { expect, test } from 'vitest';
import { addressClass, handleAs, senderInWords } from './sender.ts';

test.each([
  ['127.0.0.1', 'loopback'],
  ['::1', 'loopback'],
  ['::ffff:10.0.0.7', 'private'],
  ['192.168.1.1', 'private'],
  ['fd00::7', 'private'],
  ['203.0.113.7', 'public'],
  ['2001:4860:4860::8888', 'public'],
  ['nonsense', 'unknown'],
])('of an address only its kind is passed on, not the address itself: %s', (address, where) => {
  expect(addressClass(address)).toBe(where);
});

test('a sender is identified by key, service and kind of address, even after a wait, and by nothing else', async () => {
  const sender = { key: 'ingest of the proxy', captures: true, address: '10.0.0.7' };
  const told = handleAs(sender, async () => {
    await new Promise(setImmediate);
    return senderInWords('clowder-v1');
  });
  expect(senderInWords(undefined)).toBe('');
  expect(await told).toBe('key ingest of the proxy, service clowder-v1, private address');
  expect(handleAs({ key: undefined, captures: true, address: '127.0.0.1' }, () => senderInWords(undefined))).toBe(
    'loopback address',
  );
});
