import { readFileSync, readdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { ownMetrics, samplesOf } from '../test/support/own-metrics.ts';
import { OPERATE_PAGE, withMetrics } from './metrics-table.ts';

const DOCS = new URL('../docs/', import.meta.url);
const page = readFileSync(OPERATE_PAGE, 'utf8');
const named = new Set(ownMetrics().flatMap((one) => samplesOf(one).concat(one.name)));

describe('docs/operate.md', () => {
  test(`has the collector's metrics: run "npm run docs"`, () => expect(page).toBe(withMetrics(page)));

  test.each(['', `${page}${page}`, 'no marks'])('must have the marks once', (text) =>
    expect(() => withMetrics(text)).toThrow('must have these lines once each'),
  );
});

test.each(readdirSync(DOCS).filter((name) => name.endsWith('.md')))(
  'docs/%s names no metric that does not exist',
  (name) => {
    const mentioned = readFileSync(new URL(name, DOCS), 'utf8').match(/\bclowder_(?:otel|monitor)_[a-z_]+/g) ?? [];
    expect(mentioned.filter((one) => !named.has(one))).toEqual([]);
  },
);
