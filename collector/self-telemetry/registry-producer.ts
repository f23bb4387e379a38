import { ValueType, type HrTime } from '@opentelemetry/api';
import { millisToHrTime } from '@opentelemetry/core';
import { emptyResource } from '@opentelemetry/resources';
import {
  AggregationTemporality,
  DataPointType,
  type DataPoint,
  type Histogram,
  type MetricData,
  type MetricProducer,
  type ScopeMetrics,
} from '@opentelemetry/sdk-metrics';
import type { Registry } from 'prom-client';

/** One line of a prom-client metric. The lines of a histogram have names of their own (`…_bucket`, `_sum`, `_count`). */
interface Sample {
  readonly value: number;
  readonly labels: Readonly<Partial<Record<string, string | number>>>;
  readonly metricName?: string;
}

interface Times {
  readonly startTime: HrTime;
  readonly endTime: HrTime;
}

/** Units (UCUM) by the suffix of a Prometheus name. */
const UNITS: readonly (readonly [ending: string, unit: string])[] = [
  ['_seconds', 's'],
  ['_bytes', 'By'],
  ['_ratio', '1'],
];

/** Plural and singular endings of words in our names, applied in order. */
const PLURALS: readonly (readonly [several: RegExp, one: string])[] = [
  [/ies$/, 'y'],
  [/(ch|sh|x)es$/, '$1'],
  [/s$/, ''],
];

/**
 * Gives the metrics of a prom-client registry to an OTel metric reader, with the same names and values as at /metrics,
 * cumulative since `startMs` (OTel specification, "Prometheus and OpenMetrics Compatibility").
 */
export function registryProducer(
  registry: Pick<Registry, 'getMetricsAsJSON'>,
  { scope, startMs, now = Date.now }: { scope: ScopeMetrics['scope']; startMs: number; now?: () => number },
): MetricProducer {
  const startTime = millisToHrTime(startMs);
  return {
    async collect() {
      const collected = await registry.getMetricsAsJSON();
      const times: Times = { startTime, endTime: millisToHrTime(now()) };
      const metrics = collected.flatMap(({ name, help, type, values }) => {
        const samples = values.filter((sample) => Number.isFinite(sample.value));
        // The type is declared as a number, but is the name of the type.
        return metricOf(name, help, String(type), samples, times) ?? [];
      });
      return { resourceMetrics: { resource: emptyResource(), scopeMetrics: [{ scope, metrics }] }, errors: [] };
    },
  };
}

function metricOf(
  name: string,
  description: string,
  type: string,
  samples: readonly Sample[],
  times: Times,
): MetricData | undefined {
  if (samples.length === 0) return undefined;
  const common = {
    descriptor: { name, description, unit: unitOf(name, type), valueType: ValueType.DOUBLE },
    aggregationTemporality: AggregationTemporality.CUMULATIVE,
  };
  switch (type) {
    case 'counter':
      return { ...common, dataPointType: DataPointType.SUM, isMonotonic: true, dataPoints: pointsOf(samples, times) };
    case 'gauge':
      return { ...common, dataPointType: DataPointType.GAUGE, dataPoints: pointsOf(samples, times) };
    case 'histogram':
      return { ...common, dataPointType: DataPointType.HISTOGRAM, dataPoints: histogramsOf(name, samples, times) };
    default:
      return undefined;
  }
}

/**
 * The unit (UCUM) of a metric, from its Prometheus name. Counted things become an annotation, as in OTel's conventions:
 * `…_events_total` and `…_events` are in `{event}`. '' if the name does not tell.
 */
export function unitOf(name: string, type: string): string {
  const base = name.replace(/_total$/, '');
  const unit = UNITS.find(([ending]) => base.endsWith(ending))?.[1];
  if (unit !== undefined || type === 'histogram') return unit ?? '';
  const [, things] = /_([a-z]+[^s]s)$/.exec(base) ?? [];
  return things === undefined ? '' : `{${PLURALS.reduce((word, [ending, one]) => word.replace(ending, one), things)}}`;
}

function pointsOf(samples: readonly Sample[], times: Times): DataPoint<number>[] {
  return samples.map(({ value, labels }) => ({ ...times, attributes: { ...labels }, value }));
}

function histogramsOf(name: string, samples: readonly Sample[], times: Times): DataPoint<Histogram>[] {
  const series = Map.groupBy(samples, ({ labels }) => JSON.stringify({ ...labels, le: undefined }));
  return [...series.values()].map((lines) => histogramOf(name, lines, times));
}

/** Prometheus counts each bucket together with all below it; OTLP counts each alone. */
function histogramOf(name: string, lines: readonly Sample[], times: Times): DataPoint<Histogram> {
  const { le: _le, ...attributes } = lines[0]?.labels ?? {};
  const buckets = lines
    .filter((line) => line.metricName === `${name}_bucket`)
    .map(({ labels, value }) => ({ bound: labels['le'] === '+Inf' ? Infinity : Number(labels['le']), value }))
    .sort((a, b) => a.bound - b.bound);
  const valueOf = (suffix: string): number => lines.find((line) => line.metricName === name + suffix)?.value ?? 0;
  return {
    ...times,
    attributes,
    value: {
      buckets: {
        boundaries: buckets.map(({ bound }) => bound).filter(Number.isFinite),
        counts: buckets.map(({ value }, index) => value - (buckets[index - 1]?.value ?? 0)),
      },
      sum: valueOf('_sum'),
      count: valueOf('_count'),
    },
  };
}
