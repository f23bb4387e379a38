import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { EVENT_TYPES, eventSchemas } from './event-types.ts';
import { statedExample } from './json-schema.ts';
import { quickCheckOf } from './quick-check.ts';

/** Values at the bounds of fields, and others. */
const value = fc.oneof(
  fc.constantFrom('', 'a', 'true', 'proxy', 'browser', 'none', 'file', 'x\u0007', '\u00e9'.repeat(128), 'f'.repeat(32)),
  fc.constantFrom('a'.repeat(64), 'a'.repeat(256), 'a'.repeat(257), 'a'.repeat(1025), '0'.repeat(16)),
  fc.constantFrom(true, false, null, 0, -0, 1, -1, 0.5, 1e13, Number.NaN, Infinity, 2 ** 53, 1_700_000_000_000),
  fc.constantFrom({}, [], 1n),
  fc.string(),
);

describe.each(EVENT_TYPES)('%s', (type) => {
  const schema = eventSchemas[type];
  const quick = quickCheckOf(schema);
  const created = 1_700_000_000_000;

  test('gives a valid event the same result as the schema', () => {
    const event = { event_id: 'e', created, ...statedExample(type) };
    expect(quick(event)).toEqual(schema.parse(event));
  });

  test('accepts and refuses what the schema does, with the same fields in the same order', () => {
    const fields = fc.dictionary(fc.constantFrom(...Object.keys(schema.shape), 'unknown'), value, { maxKeys: 4 });
    fc.assert(
      fc.property(fields, (changed) => {
        const event = { event_id: 'e', created, ...statedExample(type), ...changed };
        const taken = quick(event);
        const judged = schema.safeParse(event);
        expect(taken !== undefined).toBe(judged.success);
        if (judged.success) expect(JSON.stringify(taken)).toBe(JSON.stringify(judged.data));
      }),
    );
  });
});

test.each([
  z.object({ a: z.string().trim() }),
  z.object({ a: z.string().transform((text) => text.length) }),
  z.object({ a: z.email() }),
  z.object({ a: z.string().regex(/a/g) }),
  z.object({ a: z.string().default('b') }),
  z.object({ a: z.array(z.string()) }),
  z.object({ a: z.string() }).refine(() => false),
  z.strictObject({ a: z.string() }),
])('a schema with anything unknown to the quick check is left to itself: %#', (schema) => {
  expect(quickCheckOf(schema)({ a: 'a' })).toBeUndefined();
});
