import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { ATTRIBUTE_OF_FIELD, mayBeRead } from './attributes.ts';

test('every attribute that the mapping reads is in the list of readable attributes', () => {
  const names = new Set<string>(Object.values(ATTRIBUTE_OF_FIELD));
  for (const file of ['attributes.ts', 'map.ts', 'map-metrics.ts', 'http/facts.ts']) {
    const text = readFileSync(new URL(file, import.meta.url), 'utf8');
    const called = /(?:attribute|textAttribute|numberAttribute|attributes)[([](?:[\w.]+, )?'([a-z_.]+\.[a-z_.]+)'/g;
    for (const [, name] of text.matchAll(called)) if (name !== undefined) names.add(name);
  }
  expect(names.size).toBeGreaterThan(Object.keys(ATTRIBUTE_OF_FIELD).length + 5);
  expect([...names].filter((name) => !mayBeRead(name))).toEqual([]);
});

test.each(['a', 'httpx.url', 'my.http.url', 'service.name', ''])('%j is not a readable attribute', (name) => {
  expect(mayBeRead(name)).toBe(false);
});
