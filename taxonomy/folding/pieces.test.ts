import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { runs } from '../../test/support/form.ts';
import type { Fields } from './folding.ts';
import { pieces, piecesOf, united } from './pieces.ts';

describe('the bytes that an observation reports as sent', () => {
  test.each<[what: string, fields: Fields, says: object]>([
    ["an answer's range", { range: 'bytes 0-99/1000', bytes: 100 }, { spans: [[0, 99]], size: 1000 }],
    ['a range that broke off', { range: 'bytes 100-199/1000', bytes: 30 }, { spans: [[100, 129]], size: 1000 }],
    ['a range of which nothing was sent', { range: 'bytes 100-199/1000', bytes: 0 }, { spans: [] }],
    ['a range without the number of bytes sent', { range: 'bytes 0-99/1000' }, { spans: [[0, 99]], assumed: true }],
    ['a file of unknown size', { range: 'bytes 0-99/*', bytes: 100 }, { spans: [[0, 99]] }],
    ["a request's range", { range: 'bytes=100-199', bytes: 100 }, { spans: [[100, 199]] }],
    ['a request from a byte on', { range: 'bytes=100-', bytes: 50 }, { spans: [[100, 149]] }],
    ['a request from a byte on, without the number of bytes sent', { range: 'bytes=100-' }, { spans: [] }],
    ['the last bytes of an unknown size', { range: 'bytes=-100', bytes: 100 }, { spans: [] }],
    ['several ranges', { range: 'bytes=0-9, 20-29', bytes: 20 }, { spans: [[0, 9], [20, 29]] }], // prettier-ignore
    ['no range, and broken off', { bytes: 50 }, { spans: [[0, 49]] }],
    ['no bytes', { range: 'items 0-9/10', bytes: 5 }, { spans: [[0, 4]] }],
    ['a range in the wrong order', { range: 'bytes 9-0/10', bytes: 5 }, { spans: [] }],
  ])('%s', (_what, fields, says) => {
    expect(piecesOf(fields)).toMatchObject(says);
  });
});

test('overlapping spans are joined, so that any two have a gap between them', () => {
  expect(united([[10, 19]], [[0, 9]])).toEqual([[0, 19]]);
  expect(united([[0, 9]], [[11, 19]])).toEqual([[0, 9], [11, 19]]); // prettier-ignore
  expect(united([[0, 99]], [[10, 19]])).toEqual([[0, 99]]);
});

const span = fc
  .tuple(fc.nat(99), fc.nat(20))
  .map(([first, more]): readonly [number, number] => [first, Math.min(99, first + more)]);
const fieldsOf = ([first, last]: readonly [number, number], at: number): Fields => ({
  event_id: `piece ${at}`,
  created: 1000 + at,
  range: `bytes ${first}-${last}/100`,
  bytes: last - first + 1,
  complete: first === 0 && last === 99,
});

test('the pieces of a download give the same result in any order and however often they come', () => {
  fc.assert(
    fc.property(
      fc.array(span, { minLength: 1, maxLength: 10 }).chain(
        (spans) =>
        fc.tuple(fc.constant(spans), fc.array(fc.nat(spans.length - 1), { maxLength: 5 }), fc.shuffledSubarray(spans, { minLength: spans.length })), // prettier-ignore
      ),
      ([spans, again, shuffled]) => {
        const gather = (order: readonly (readonly [number, number])[]) => {
          const [first, ...rest] = order.map((one) => fieldsOf(one, spans.indexOf(one)));
          return rest.reduce((all, one) => pieces.add(all, one, 'piece'), pieces.begin(first ?? {}, 'piece', false));
        };
        const told = gather([...shuffled, ...again.map((index) => spans[index] ?? ([0, 0] as const))]);
        const expected = gather(spans);
        const saidBy = ({ fields, state }: typeof told) => [
          fields['bytes'],
          fields['complete'],
          fields['created'],
          state,
        ];
        expect(saidBy(told)).toEqual(saidBy(expected));
        expect(pieces.mayGain(told)).toBe(told.fields['complete'] === false);
      },
    ),
    runs(),
  );
});

test('a download with more gaps than can be tracked is not complete, and counts what it knows', () => {
  let gathered = pieces.begin(fieldsOf([0, 0], 0), 'piece', false);
  for (let at = 1; at <= 2000; at += 1)
    gathered = pieces.add(gathered, { created: at, range: `bytes ${at * 2}-${at * 2}/9999`, bytes: 1 }, 'piece');
  expect(gathered.state.spans).toHaveLength(1000);
  expect(gathered.fields).toMatchObject({ bytes: 1000, complete: false });
  expect(gathered.fields['range']).toBeUndefined();
});

test('bytes at an unknown place count by the largest number', () => {
  const tail = (bytes: number): Fields => ({ created: 1, range: 'bytes=-900', bytes, complete: false });
  const gathered = pieces.add(pieces.begin(tail(300), 'piece', false), tail(500), 'piece');
  expect(gathered.fields).toMatchObject({ bytes: 500, complete: false });
});
