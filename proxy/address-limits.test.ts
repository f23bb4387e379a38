import { expect, test } from 'vitest';
import { AddressPlaces, type Arrival } from './address-limits.ts';

class Arriving implements Arrival {
  place: string | undefined;
  state: 'waiting' | 'admitted' | 'failed' = 'waiting';
  admitted(): void {
    this.state = 'admitted';
  }
  failed(): void {
    this.state = 'failed';
  }
}

function statesOf(addresses: readonly (string | undefined)[], places: AddressPlaces): string[] {
  return addresses.map((address) => {
    const arriving = new Arriving();
    places.enter(address, arriving);
    return arriving.state;
  });
}

test('addresses in one /64 are one client; each IPv4 address is one, even if it is written as IPv6', () => {
  const addresses = [
    '2001:db8:1:2::1',
    '2001:db8:1:2:ffff::9',
    '2001:db8:1:3::1',
    '192.0.2.1',
    '::ffff:192.0.2.1',
    '192.0.2.2',
    undefined,
  ];
  expect(statesOf(addresses, new AddressPlaces(1, 0))).toEqual(
    ['admitted', 'waiting', 'admitted', 'admitted', 'waiting', 'admitted', 'admitted'], // prettier-ignore
  );
});

test('without a limit, no request waits', () => {
  expect(statesOf(Array(100).fill('192.0.2.1'), new AddressPlaces(0, 0))).toEqual(Array(100).fill('admitted'));
});

test('a free place goes to the request that has waited longest', () => {
  const places = new AddressPlaces(1, 0);
  const [first, second, third] = [new Arriving(), new Arriving(), new Arriving()];
  for (const one of [first, second, third]) places.enter('192.0.2.1', one);
  places.leave('192.0.2.1', first);
  expect([second.state, third.state]).toEqual(['admitted', 'waiting']);
  // The third request ends before its turn.
  places.leave('192.0.2.1', third);
  places.leave('192.0.2.1', second);
  expect(statesOf(['192.0.2.1', '192.0.2.1'], places)).toEqual(['admitted', 'waiting']);
});
