import fc from 'fast-check';
import type { StoredEvent } from '../../../usage/store/columns.ts';
import type { Period } from '../../../usage/rules/dialect.ts';
import { DAY_MS, HOUR_MS } from '../../../usage/rules/time-zone.ts';
import { anyUsage } from './arbitrary.ts';

/** When the first of the days begins. */
export const START_MS = Date.UTC(2026, 9, 5);

/** Events of several days, in batches in any order. Many users return, on the same day and on others. */
export const batches: fc.Arbitrary<readonly (readonly StoredEvent[])[]> = fc
  .tuple(anyUsage, fc.array(fc.nat(5), { minLength: 60, maxLength: 60 }))
  .map(([events, days]) =>
    events.map((event, nth) => ({ ...event, created: event.created + (days[nth] ?? 0) * DAY_MS })),
  )
  .chain((events) =>
    fc.tuple(fc.shuffledSubarray(events, { minLength: events.length }), fc.integer({ min: 1, max: 30 })),
  )
  .map(([events, size]) =>
    Array.from({ length: Math.ceil(events.length / size) }, (_, nth) => events.slice(nth * size, (nth + 1) * size)),
  );

/** A part of those days, or more than them, to the hour. */
export const partOfDays: fc.Arbitrary<Period> = fc
  .tuple(fc.integer({ min: -2 * 24, max: 5 * 24 }), fc.integer({ min: 1, max: 8 * 24 }))
  .map(([fromHour, hours]) => ({
    fromMs: START_MS + fromHour * HOUR_MS,
    toMs: START_MS + (fromHour + hours) * HOUR_MS,
  }));
