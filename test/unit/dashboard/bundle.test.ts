import { expect, test } from 'vitest';
import { bundle } from '../../../tools/bundle.ts';

const FIRST_LOAD_MAX = 250 * 1024;

test('the first load of the dashboard stays below 250 KB gzipped, and loads nothing from elsewhere', async () => {
  const bundles = (await bundle()).filter(({ name }) => name.startsWith('app.'));
  expect(bundles.map(({ name }) => name).toSorted()).toEqual(['app.css', 'app.js']);
  const bytes = bundles.reduce((sum, { gzipBytes }) => sum + gzipBytes, 0);
  expect(bytes).toBeGreaterThan(10_000);
  expect(bytes).toBeLessThan(FIRST_LOAD_MAX);
  for (const { text } of bundles) expect(text).not.toMatch(/\beval\(|new Function|@import|url\(http/);
});
