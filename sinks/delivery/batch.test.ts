import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { QueueLink } from '../queue/message.ts';
import { AckLedger } from './ack-ledger.ts';
import { takeBatch, type Entry } from './batch.ts';
import { DoubtfulIds } from './doubtful-ids.ts';
import { runs } from '../../test/support/form.ts';

const LINK: QueueLink = { ack: () => undefined, bury: async () => undefined };

const entry = (id: string, orderKey: string, notBeforeMs = 0, size = 1): Entry => ({
  event: { id, type: 'file.uploaded', createdMs: 0, resource: orderKey, fields: {} },
  message: { tag: 1, id, content: new Uint8Array(), replayed: false },
  link: LINK,
  orderKey,
  size,
  arrivedMs: 0,
  putOff: 0,
  notBeforeMs,
});

describe('a batch', () => {
  it('and the rest contain everything that waits, in order for each resource, within the limits', () => {
    const waiting = fc.array(
      fc.record({
        key: fc.constantFrom('', 'a', 'b', 'c'),
        due: fc.constantFrom(0, 0, 0, 50),
        size: fc.integer({ min: 1, max: 12 }),
      }),
      { maxLength: 30 },
    );
    fc.assert(
      fc.property(
        waiting,
        fc.integer({ min: 1, max: 10 }),
        fc.integer({ min: 1, max: 20 }),
        (given, maxEvents, maxBytes) => {
          const entries = given.map(({ key, due, size }, index) => entry(`e${index}`, key, due, size));
          const { batch, rest } = takeBatch(entries, { maxEvents, maxBytes }, 10);
          expect([...batch, ...rest].toSorted((a, b) => entries.indexOf(a) - entries.indexOf(b))).toEqual(entries);
          expect(batch.length).toBeLessThanOrEqual(maxEvents);
          if (batch.length > 1) expect(batch.reduce((sum, { size }) => sum + size, 0)).toBeLessThanOrEqual(maxBytes);
          expect(batch.filter(({ notBeforeMs }) => notBeforeMs > 10)).toEqual([]);
          // Nothing overtakes what is left of its own resource.
          for (const left of rest.filter(({ orderKey }) => orderKey !== ''))
            for (const taken of batch.filter(({ orderKey }) => orderKey === left.orderKey))
              expect(entries.indexOf(taken)).toBeLessThan(entries.indexOf(left));
          if (entries.some(({ notBeforeMs, orderKey }) => notBeforeMs === 0 && orderKey === ''))
            expect(batch.length).toBeGreaterThan(0);
        },
      ),
      runs(),
    );
  });

  it('gives the time when the first postponed event is due', () => {
    const { batch, nextDueMs } = takeBatch(
      [entry('a', 'a', 70), entry('b', 'b', 50), entry('c', 'a')],
      { maxEvents: 9, maxBytes: 9 },
      10,
    );
    expect([batch.length, nextDueMs]).toEqual([0, 50]);
  });
});

describe('acknowledgements', () => {
  it('settle exactly the given messages, with as few frames as older unsettled messages allow', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 40 }),
        fc.array(fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 10 })),
        (count, rounds) => {
          const ledger = new AckLedger();
          const open = new Set<number>();
          for (let tag = 1; tag <= count; tag += 1) {
            ledger.add(tag);
            open.add(tag);
          }
          const expected = new Set(open);
          for (const round of rounds) {
            for (const { tag, multiple } of ledger.settle(round)) {
              expect(open.has(tag)).toBe(true);
              for (const one of multiple ? [...open].filter((other) => other <= tag) : [tag]) open.delete(one);
            }
            for (const tag of round) expected.delete(tag);
            expect([...open]).toEqual([...expected]);
          }
          expect(ledger.size).toBe(open.size);
        },
      ),
      runs(),
    );
  });

  it('for a whole batch are one frame', () => {
    const ledger = new AckLedger();
    for (let tag = 1; tag <= 6; tag += 1) ledger.add(tag);
    expect(ledger.settle([1, 2, 3])).toEqual([{ tag: 3, multiple: true }]);
    expect(ledger.settle([4, 6])).toEqual([
      { tag: 4, multiple: true },
      { tag: 6, multiple: false },
    ]);
  });
});

describe('doubtful ids', () => {
  it('are those settled before the link was lost, each once', () => {
    const ids = new DoubtfulIds(10);
    ids.settled('a', true);
    expect(ids.take('a')).toBe(false);
    ids.linkLost();
    ids.settled('in flight', false);
    expect([ids.take('a'), ids.take('a'), ids.take('in flight'), ids.take('b')]).toEqual([true, false, true, false]);
  });

  it('are the latest ones, and no more than can come again', () => {
    const ids = new DoubtfulIds(10);
    for (let index = 0; index < 1000; index += 1) ids.settled(`e${index}`, true);
    ids.linkLost();
    expect(ids.take('e500')).toBe(false);
    for (let index = 990; index < 1000; index += 1) expect(ids.take(`e${index}`)).toBe(true);
  });

  it('stay in doubt if the link breaks again at once', () => {
    const ids = new DoubtfulIds(10);
    ids.settled('a', true);
    ids.linkLost();
    ids.linkLost();
    expect(ids.take('a')).toBe(true);
  });
});
