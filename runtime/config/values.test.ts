import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  address,
  contextPath,
  duration,
  entriesOf,
  flag,
  httpUrl,
  integer,
  list,
  LOG_LEVELS,
  number,
  oneOf,
  pause,
  port,
  printAddress,
  printDuration,
  printSize,
  seconds,
  size,
  type Value,
} from './values.ts';
import { runs } from '../../test/support/form.ts';

const bytes = size({ above: 0 });

/** Type of value → inputs and what they are read as; undefined if it is refused. */
const CASES: readonly (readonly [name: string, value: Value<unknown>, cases: readonly (readonly [unknown, unknown])[]])[] = [
  [
    'a size: KB, MB, GB, K, M and G are powers of 10, KiB, MiB and GiB powers of 2 (IEC 80000-13)',
    bytes,
    [
      ['1000', 1000], [1000, 1000], ['7B', 7], ['1k', 1000], ['1K', 1000], ['1kB', 1000], ['1KB', 1000], ['1Ki', 1024],
      ['1KiB', 1024], ['500MB', 500e6], ['500M', 500e6], ['500 MiB', 500 * 2 ** 20], ['10GB', 1e10], ['1gib', 2 ** 30],
      ['1TB', 1e12], ['1TiB', 2 ** 40], ['1.5KiB', 1536], [' 64MiB ', 64 * 2 ** 20],
      ['', undefined], ['0', undefined], ['-5', undefined], ['10XB', undefined], ['MB', undefined], ['1iB', undefined],
      ['much', undefined], ['1e3', undefined], [true, undefined], ['9999999TB', undefined],
    ],
  ],
  [
    'a duration, in milliseconds',
    duration,
    [
      ['500ms', 500], ['30s', 30_000], ['1.5m', 90_000], ['6h', 21_600_000], ['7d', 604_800_000], ['1 s', 1000], ['1S', 1000],
      ['0s', undefined], ['5', undefined], [5, undefined], ['5 minutes', undefined], ['', undefined], ['-1s', undefined],
    ],
  ],
  ['a pause, which may be 0', pause, [['0', 0], [0, 0], ['2s', 2000], ['5', undefined], ['-0s', undefined]]],
  [
    'a flag, in any case',
    flag,
    [
      ['true', true], ['TRUE', true], ['1', true], [1, true], ['Yes', true], ['on', true], [true, true],
      ['false', false], ['0', false], [0, false], ['NO', false], ['Off', false], [false, false],
      ['', undefined], ['2', undefined], ['y', undefined], ['enabled', undefined], ['constructor', undefined],
    ],
  ],
  [
    'a port',
    port,
    [['0', 0], ['4318', 4318], [4318, 4318], ['65535', 65_535], ['65536', undefined], ['-1', undefined], ['80.5', undefined], ['0x50', undefined], [true, undefined]],
  ],
  ['an integer within bounds', integer({ least: 1, most: 20 }), [['1', 1], ['20', 20], ['0', undefined], ['21', undefined], ['1.5', undefined]]],
  ['a number of seconds', seconds({ least: 0 }), [['0', 0], ['.5', 0.5], ['1e3', 1000], ['-1', undefined], ['1s', undefined], ['Infinity', undefined], [NaN, undefined]]],
  [
    'an address and a port',
    address(),
    [
      ['127.0.0.1:8000', { host: '127.0.0.1', port: 8000 }], ['[::1]:0', { host: '::1', port: 0 }],
      ['8000', undefined], [':8000', undefined], ['::1:8000', undefined], ['h:65536', undefined], ['http://h:1', undefined], ['a b:1', undefined],
    ],
  ],
  ['a port without a host, which has a default', address('127.0.0.1'), [[9465, { host: '127.0.0.1', port: 9465 }], ['[::]:1', { host: '::', port: 1 }], ['h', undefined]]],
  ['an HTTP URL', httpUrl, [['https://a/b?c', 'https://a/b?c'], ['HTTP://a', 'HTTP://a'], ['localhost:4318', undefined], ['ftp://a', undefined], ['http://', undefined]]],
  ['a context path', contextPath, [['', ''], ['/', '/'], ['/clowder/', '/clowder/'], ['clowder', undefined], ['/a?b', undefined]]],
  ['one of several words', oneOf(['auto', 'v1']), [['auto', 'auto'], ['v1', 'v1'], ['V1', undefined], ['', undefined]]],
  ['a list', list((entry) => /^\d$/.test(entry), 'digits'), [['1, 2', '1, 2'], ['1,x', undefined]]],
]; // prettier-ignore

describe.each(CASES)('%s', (_name, value, cases) => {
  test.each(cases)('%j is read as %j', (given, expected) => {
    expect(value.parse(given)).toEqual(expected);
  });
});

describe('the description of allowed values includes the bounds', () => {
  test.each([
    [bytes, 'a number of bytes above 0, or a number with a unit, e.g. 500MiB or 10GB'],
    [size({ least: 1024, most: 2 ** 20 }), 'a number of bytes from 1KiB to 1MiB, or a number with a unit, e.g. 500MiB or 10GB'],
    [seconds({ least: 0 }), 'a number of seconds, 0 or more'],
    [seconds({ above: 0, most: 10 }), 'a number of seconds above 0, 10 at most'],
    [number('a number', { most: 5 }), 'a number, 5 at most'],
    [port, 'an integer from 0 to 65535'],
    [oneOf(LOG_LEVELS), 'one of trace, debug, info, warn, error, fatal, silent'],
  ])('%#', (value, mayBe) => {
    expect(value.mayBe).toBe(mayBe);
  }); // prettier-ignore
});

describe('a printed value is read as the same value:', () => {
  const printed = <T>(value: Value<T>, arbitrary: fc.Arbitrary<T>, print: (one: T) => string): void =>
    fc.assert(
      fc.property(arbitrary, (one) => {
        expect(value.parse(print(one))).toEqual(one);
      }),
      runs(),
    );
  const unitSizes = fc
    .tuple(fc.integer({ min: 1, max: 1024 }), fc.constantFrom(1, 1000, 2 ** 10, 2 ** 20, 2 ** 30, 2 ** 40))
    .map(([count, unit]) => count * unit);
  const unitTimes = fc
    .tuple(fc.integer({ min: 1, max: 1000 }), fc.constantFrom(1, 1000, 60_000, 3_600_000, 86_400_000))
    .map(([count, unit]) => count * unit);
  const host = fc.oneof(fc.ipV4(), fc.ipV6(), fc.domain());

  test('a size', () => printed(bytes, fc.oneof(unitSizes, fc.integer({ min: 1 })), printSize));
  test('a duration', () => printed(duration, fc.oneof(unitTimes, fc.integer({ min: 1 })), printDuration));
  test('a pause', () => printed(pause, fc.oneof(unitTimes, fc.constant(0)), printDuration));
  test('a flag', () => printed(flag, fc.boolean(), String));
  test('a port', () => printed(port, fc.integer({ min: 0, max: 65_535 }), String));
  test('an integer', () => printed(integer({ least: 0 }), fc.nat(), String));
  test('a number of seconds', () =>
    printed(seconds({ least: 0 }), fc.double({ min: 0, max: 1e9, noNaN: true }).filter((one) => !Object.is(one, -0)), String)); // prettier-ignore
  test('an address', () =>
    printed(address(), fc.record({ host, port: fc.integer({ min: 0, max: 65_535 }) }, { noNullPrototype: true }), printAddress)); // prettier-ignore
  test('a URL', () => printed(httpUrl, fc.webUrl(), String));
  test('a word', () => printed(oneOf(LOG_LEVELS), fc.constantFrom(...LOG_LEVELS), String));
  test('the entries of a list', () =>
    fc.assert(
      fc.property(fc.array(fc.domain()), (entries) => {
        const text = list(() => true, 'anything').parse(entries.join(', '));
        expect(entriesOf(text)).toEqual(entries);
      }),
      runs(),
    ));
});

test('sizes and durations are printed in the largest unit that divides them', () => {
  expect([1, 1000, 1536, 65_536, 64 * 2 ** 20, 2 ** 40].map(printSize)).toEqual(['1', '1000', '1536', '64KiB', '64MiB', '1TiB']); // prettier-ignore
  expect([0, 500, 30_000, 90_000, 3_600_000, 86_400_000].map(printDuration)).toEqual(['0ms', '500ms', '30s', '90s', '1h', '1d']); // prettier-ignore
});
