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

test('addresses of one /64 are one client, those of IPv4 are each one, also if they are written as IPv6', () => {
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

test('without a limit nobody waits', () => {
  expect(statesOf(Array(100).fill('192.0.2.1'), new AddressPlaces(0, 0))).toEqual(Array(100).fill('admitted'));
});

test('a place that is left goes to the one that has waited longest', () => {
  const places = new AddressPlaces(1, 0);
  const [first, second, third] = [new Arriving(), new Arriving(), new Arriving()];
  for (const one of [first, second, third]) places.enter('192.0.2.1', one);
  places.leave('192.0.2.1', first);
  expect([second.state, third.state]).toEqual(['admitted', 'waiting']);
  // It is over before its turn has come.
  places.leave('192.0.2.1', third);
  places.leave('192.0.2.1', second);
  expect(statesOf(['192.0.2.1', '192.0.2.1'], places)).toEqual(['admitted', 'waiting']);
});
