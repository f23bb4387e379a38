import { expect, test } from 'vitest';
import { isNetwork, isOneOf } from './networks.ts';

test.each([
  ['10.0.0.1', true],
  ['10.0.0.0/8', true],
  ['::1', true],
  ['fd00::/8', true],
  ['10.0.0.0/33', false],
  ['10.0.0.0/', false],
  ['localhost', false],
  ['10', false],
  ['', false],
])('%j names addresses: %s', (given, expected) => expect(isNetwork(given)).toBe(expected));

test.each([
  ['10.1.2.3', true],
  ['10.1.2.3:51234', true],
  ['::ffff:10.1.2.3', true],
  ['[fd00::7]:443', true],
  ['11.1.2.3', false],
  ['unknown', false],
  ['', false],
])('of %s it is known whether it is in one of several networks', (address, within) => {
  expect(isOneOf(['192.0.2.1', '10.0.0.0/8', '::1', 'fd00::/8'])(address)).toBe(within);
});
