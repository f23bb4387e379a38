import type { Registry } from 'prom-client';
import { CollectorMetrics } from '../../collector/self-telemetry/metrics.ts';
import { EnrichmentStats } from '../../instrumentation/enrichment/stats.ts';
import { prometheusOf } from '../../monitor/admin.ts';
import { statsRegistry } from '../../proxy/admin/registry.ts';
import { ProxyStats } from '../../proxy/admin/stats.ts';
import { SinkMetrics } from '../../sinks/running/metrics.ts';
import { watchNothing } from '../../tools/metrics-table.ts';

export const PROGRAMS = ['collector', 'proxy', 'monitor', 'sinks'] as const;
export type Program = (typeof PROGRAMS)[number];

/** A metric that a program exposes at /metrics. */
export interface OwnMetric {
  readonly program: Program;
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'histogram' | 'summary';
  readonly labels: readonly string[];
}

/** Suffixes of the sample names at /metrics, by metric type. */
const SUFFIXES = {
  counter: [''],
  gauge: [''],
  histogram: ['_bucket', '_sum', '_count'],
  summary: ['', '_sum', '_count'],
} as const satisfies Record<OwnMetric['type'], readonly string[]>;

const REGISTRIES = {
  collector: () => {
    const metrics = new CollectorMetrics();
    watchNothing(metrics);
    return metrics.registry;
  },
  proxy: () =>
    statsRegistry(
      new ProxyStats(),
      () => 0,
      new EnrichmentStats(),
      () => [],
    ),
  monitor: () =>
    prometheusOf(
      () => [],
      () => {
        throw new Error('nobody scrapes it');
      },
    ),
  sinks: () => {
    const sinks = new SinkMetrics();
    sinks.watch([], () => 0);
    return sinks.registry;
  },
} satisfies Record<Program, () => Registry>;

/** Every metric of each program, including the process metrics. */
export function ownMetrics(): readonly OwnMetric[] {
  return PROGRAMS.flatMap((program) => {
    const registry = REGISTRIES[program]();
    return registry.getMetricsAsArray().map(({ name, type }) => {
      const metric: object = registry.getSingleMetric(name) ?? {};
      const labels: unknown = 'labelNames' in metric ? metric.labelNames : [];
      return { program, name, type: typeOf(type), labels: Array.isArray(labels) ? labels.map(String) : [] };
    });
  });
}

/** The names of a metric's samples at /metrics. */
export const samplesOf = ({ name, type }: OwnMetric): readonly string[] =>
  SUFFIXES[type].map((suffix) => name + suffix);

/** The metrics in a PromQL expression, with the labels by which it selects them. */
export function askedFor(expression: string): readonly { readonly name: string; readonly labels: readonly string[] }[] {
  return [...expression.matchAll(/\b((?:clowder_(?:otel|monitor)|process|nodejs)_\w+)(?:\{([^}]*)\})?/g)].map(
    ([, name = '', selector = '']) => ({
      name,
      labels: [...selector.matchAll(/(\w+)(?:=~|!~|!=|=)"/g)].map(([, label = '']) => label),
    }),
  );
}

function typeOf(type: unknown): OwnMetric['type'] {
  if (type === 'counter' || type === 'gauge' || type === 'histogram' || type === 'summary') return type;
  throw new Error(`a metric of type ${String(type)}`);
}
