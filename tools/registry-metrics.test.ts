import { describe, expect, test } from 'vitest';
import { metricViolations } from '../test/support/registry-check.ts';
import { sentMetrics } from './registry-metrics.ts';

const point = (...keys: readonly string[]) => ({
  dataPoints: [{ attributes: keys.map((key) => ({ key, value: { stringValue: 'x' } })) }],
});
const checks = { name: 'clowder.monitor.checks', unit: '{check}' };

describe('the registry of metrics', () => {
  test('has the metrics of the collector, the monitor and its extractors, with unit and attributes', async () => {
    const sent = new Map((await sentMetrics()).map((metric) => [metric.name, metric]));
    expect(sent.get('clowder_otel_events_total')).toMatchObject({ instrument: 'counter', unit: '{event}', attributes: ['type'] }); // prettier-ignore
    expect(sent.get('clowder.monitor.phase_time')).toMatchObject({ instrument: 'histogram', unit: 's' });
    expect(sent.get('clowder.monitor.phase_time')?.attributes).toContain('clowder.monitor.phase');
    expect(sent.get('clowder.extractor.instances')).toMatchObject({ instrument: 'gauge', unit: '{instance}' });
  });

  test('gives every metric a description', async () => {
    expect((await sentMetrics()).filter(({ brief }) => brief === '')).toEqual([]);
  });

  test.each([
    ['another name', { ...checks, name: 'clowder.monitor.chekcs', sum: point() }, 'is not in the registry'],
    ['another instrument', { ...checks, gauge: point() }, 'is a gauge, not a counter'],
    ['another unit', { ...checks, unit: '1', sum: { ...point(), isMonotonic: true } }, 'is in "1", not in "{check}"'],
    ['another attribute', { ...checks, sum: { ...point('colour'), isMonotonic: true } }, 'attribute colour is none of'],
  ])('refuses a metric with %s', (_what, metric, said) => {
    expect(metricViolations(metric).join()).toContain(said);
  });

  test('accepts a metric that matches, and any that is not ours', () => {
    const known = { ...checks, sum: { ...point('clowder.monitor.outcome'), isMonotonic: true } };
    expect(metricViolations(known)).toEqual([]);
    expect(metricViolations({ name: 'process_cpu_seconds_total', unit: 's', sum: point('any') })).toEqual([]);
  });
});
