import { readFileSync, readdirSync } from 'node:fs';
import { parse } from 'yaml';
import { describe, expect, test } from 'vitest';
import { EnrichmentStats } from '../instrumentation/enrichment/stats.ts';
import { statsRegistry } from '../proxy/admin/registry.ts';
import { ProxyStats } from '../proxy/admin/stats.ts';
import { SinkMetrics } from '../sinks/running/metrics.ts';
import { metricDescriptions, OPERATE_PAGE, withMetrics } from './metrics-table.ts';

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels: { readonly severity: string };
  readonly annotations: { readonly summary: string; readonly description: string };
}

const DOCS = new URL('../docs/', import.meta.url);
const page = readFileSync(OPERATE_PAGE, 'utf8');
const { groups } = parse(readFileSync(new URL('prometheus-alerts.yml', DOCS), 'utf8')) as {
  groups: { name: string; rules: Rule[] }[];
};
const rules = groups.flatMap((group) => group.rules);
const metrics = new Map(metricDescriptions().map((one) => [one.name, one]));
/** Names under which a metric's samples stand at /metrics. */
const SUFFIXES = { counter: [''], gauge: [''], histogram: ['_bucket', '_sum', '_count'] } as const;
const samples = new Map(
  [...metrics.values()].flatMap((one) => SUFFIXES[one.type].map((suffix) => [one.name + suffix, one] as const)),
);

const sinks = new SinkMetrics();
sinks.watch([], () => 0);
/** What the listeners of the other programs show. */
const ofOthers = new Set(
  [
    statsRegistry(
      new ProxyStats(),
      () => 0,
      new EnrichmentStats(),
      () => [],
    ),
    sinks.registry,
  ].flatMap((registry) => registry.getMetricsAsArray().map((one) => one.name)),
);

describe('docs/operate.md', () => {
  test('has the metrics as the collector has them: run "npm run docs"', () => expect(page).toBe(withMetrics(page)));

  test.each(['', `${page}${page}`, 'no marks'])('must have the marks once', (text) =>
    expect(() => withMetrics(text)).toThrow('must have these lines once each'),
  );
});

test.each(readdirSync(DOCS).filter((name) => name.endsWith('.md')))(
  'docs/%s names no metric that is not there',
  (name) => {
    const named = readFileSync(new URL(name, DOCS), 'utf8').match(/\bclowder_otel_[a-z_]+/g) ?? [];
    expect(named.filter((one) => !samples.has(one) && !metrics.has(one) && !ofOthers.has(one))).toEqual([]);
  },
);

describe('docs/prometheus-alerts.yml', () => {
  test('has rules by distinct names', () => {
    expect(rules.length).toBeGreaterThan(0);
    expect(new Set(rules.map((rule) => rule.alert)).size).toBe(rules.length);
  });

  test.each(rules.map((rule) => [rule.alert, rule] as const))('%s is as Prometheus takes it', (name, rule) => {
    expect(name).toMatch(/^ClowderOtel[A-Z][A-Za-z]+$/);
    expect(rule.for ?? '1m').toMatch(/^\d+[smh]$/);
    expect(['critical', 'warning', 'info']).toContain(rule.labels.severity);
    expect(rule.annotations.summary).not.toBe('');
    expect(rule.annotations.description).not.toBe('');
  });

  test.each(rules.map((rule) => [rule.alert, rule.expr] as const))('%s asks for metrics that there are', (_, expr) => {
    for (const [, name = '', selector = ''] of expr.matchAll(/(clowder_otel_[a-z_]+)(?:\{([^}]*)\})?/g)) {
      expect([...samples.keys(), ...ofOthers]).toContain(name);
      if (ofOthers.has(name)) continue;
      for (const [, label] of selector.matchAll(/(\w+)(?:=~|!~|!=|=)/g))
        expect(samples.get(name)?.labels).toContain(label);
    }
    expect(expr).toMatch(/clowder_otel_|\bup\{/);
  });
});
