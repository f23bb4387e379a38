import { AggregationTemporality, DataPointType, type MetricData } from '@opentelemetry/sdk-metrics';
import { Counter, Gauge, Histogram, Registry, Summary } from 'prom-client';
import { beforeEach, describe, expect, test } from 'vitest';
import { CollectorMetrics } from './metrics.ts';
import { registryProducer, unitOf } from './registry-producer.ts';

const scope = { name: 'scope', version: '1' };
let registry: Registry;

beforeEach(() => {
  registry = new Registry();
});

async function collect(from = registry): Promise<Map<string, MetricData>> {
  const producer = registryProducer(from, { scope, startMs: 1000, now: () => 61_500 });
  const { resourceMetrics, errors } = await producer.collect();
  expect(errors).toEqual([]);
  expect(resourceMetrics.scopeMetrics.map((one) => one.scope)).toEqual([scope]);
  return new Map(resourceMetrics.scopeMetrics.flatMap((one) => one.metrics.map((it) => [it.descriptor.name, it])));
}

describe('the bridge from Prometheus', () => {
  test('gives a counter as a cumulative sum, with a point for each set of labels', async () => {
    const counter = new Counter({ name: 'a_total', help: 'of a', labelNames: ['type'], registers: [registry] });
    counter.inc({ type: 'x' }, 2);
    counter.inc({ type: 'y' });
    const times = { startTime: [1, 0], endTime: [61, 500_000_000] };
    expect((await collect()).get('a_total')).toMatchObject({
      descriptor: { name: 'a_total', description: 'of a', unit: '' },
      aggregationTemporality: AggregationTemporality.CUMULATIVE,
      dataPointType: DataPointType.SUM,
      isMonotonic: true,
      dataPoints: [
        { ...times, attributes: { type: 'x' }, value: 2 },
        { ...times, attributes: { type: 'y' }, value: 1 },
      ],
    });
  });

  test('gives a gauge as a gauge, read at that moment', async () => {
    const gauge: Gauge = new Gauge({
      name: 'size_bytes',
      help: 'size',
      registers: [registry],
      collect: (): void => gauge.set(7),
    });
    expect((await collect()).get('size_bytes')).toMatchObject({
      descriptor: { unit: 'By' },
      dataPointType: DataPointType.GAUGE,
      dataPoints: [{ attributes: {}, value: 7 }],
    });
  });

  test.each([
    ['otlp_records_total', 'counter', '{record}'],
    ['lost_batches_total', 'counter', '{batch}'],
    ['retries_total', 'counter', '{retry}'],
    ['held_events', 'gauge', '{event}'],
    ['broker_connected', 'gauge', ''],
    ['journal_bytes', 'gauge', 'By'],
    ['publish_seconds', 'histogram', 's'],
  ])('gives %s, a %s, the unit %s', (name, type, unit) => {
    expect(unitOf(`clowder_${name}`, type)).toBe(unit);
  });

  test("gives a histogram with each bucket's own count", async () => {
    const histogram = new Histogram({
      name: 'wait_seconds',
      help: 'wait',
      labelNames: ['kind'],
      buckets: [0.1, 1],
      registers: [registry],
    });
    for (const value of [0.05, 0.5, 0.6, 5]) histogram.observe({ kind: 'a' }, value);
    histogram.observe({ kind: 'b' }, 0.1);
    const metric = (await collect()).get('wait_seconds');
    expect(metric).toMatchObject({ descriptor: { unit: 's' }, dataPointType: DataPointType.HISTOGRAM });
    expect(metric?.dataPoints.map(({ attributes, value }) => ({ attributes, value }))).toEqual([
      {
        attributes: { kind: 'a' },
        value: { buckets: { boundaries: [0.1, 1], counts: [1, 2, 1] }, sum: expect.closeTo(6.15), count: 4 },
      },
      {
        attributes: { kind: 'b' },
        value: { buckets: { boundaries: [0.1, 1], counts: [1, 0, 0] }, sum: 0.1, count: 1 },
      },
    ]);
  });

  test.each([
    ['cpu_seconds_total', 's'],
    ['in_bytes_total', 'By'],
    ['seconds_passed', ''],
  ])('takes the unit of %s from its name: %j', async (name, unit) => {
    new Counter({ name, help: name, registers: [registry] }).inc();
    expect((await collect()).get(name)?.descriptor.unit).toBe(unit);
  });

  test('leaves out values that are not numbers, metrics without points, and types that OTLP lacks', async () => {
    new Gauge({ name: 'nothing', help: 'n', registers: [registry] }).set(Number.NaN);
    registry.registerMetric(new Counter({ name: 'none_total', help: 'n', labelNames: ['type'], registers: [] }));
    new Summary({ name: 'summary', help: 's', registers: [registry] }).observe(1);
    expect([...(await collect()).keys()]).toEqual([]);
  });

  test('has every metric of the collector, with the name from /metrics', async () => {
    const { registry: whole } = new CollectorMetrics();
    const text = await whole.metrics();
    const bridged = await collect(whole);
    const sampled = [...text.matchAll(/^# TYPE (\S+) /gm)]
      .map((match) => match[1] ?? '')
      .filter((name) => new RegExp(`^${name}(?:_bucket)?(?:\\{.*\\})? [0-9.e+-]+$`, 'm').test(text));
    expect([...bridged.keys()]).toEqual(sampled);
    expect(sampled.length).toBeGreaterThan(20);
  });
});
