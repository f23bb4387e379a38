import { expect, test } from 'vitest';
import { Departures } from './departures.ts';

function setUp() {
  const departures = new Departures();
  const left: string[] = [];
  const wait = (name: string, ...resources: string[]) => departures.wait(resources, () => void left.push(name));
  return { departures, left, wait };
}

test('departures of one resource leave in their order, and others pass them', () => {
  const { left, wait } = setUp();
  const [first, second, other] = [wait('first', 'a'), wait('second', 'a', 'b'), wait('other', 'c')];
  const third = wait('third', 'b');
  third.ready();
  second.ready();
  other.ready();
  expect(left).toEqual(['other']);
  first.ready();
  expect(left).toEqual(['other', 'first', 'second', 'third']);
});

test('a resource is held until all its departures have left', () => {
  const { departures, wait } = setUp();
  const [first, second] = [wait('first', 'a'), wait('second', 'a')];
  first.ready();
  expect([departures.isHeld(['b', 'a']), departures.size]).toEqual([true, 1]);
  second.ready();
  expect([departures.isHeld(['a']), departures.size]).toEqual([false, 0]);
});

test('a departure without resources does not wait', () => {
  const { departures, left, wait } = setUp();
  wait('first', 'a');
  wait('second').ready();
  expect(left).toEqual(['second']);
  expect(departures.isHeld([])).toBe(false);
});

test('a second ready changes nothing', () => {
  const { departures, left, wait } = setUp();
  const first = wait('first', 'a', 'a');
  first.ready();
  first.ready();
  expect([left, departures.size]).toEqual([['first'], 0]);
});
