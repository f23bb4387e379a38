import { describe, expect, test } from 'vitest';
import { CollectorMetrics, PREFIX } from './metrics.ts';
import { VERSION } from '../../runtime/version.ts';

function watched(): CollectorMetrics {
  const metrics = new CollectorMetrics();
  metrics.watch({
    journal: {
      stats: () => ({
        bytes: 10,
        maxBytes: 100,
        lastRow: 3,
        backlogBytes: 5,
        rejected: 2,
        unpublishable: 1,
        commits: 7,
      }),
    },
    publisher: {
      state: { connected: true, blocked: false, broker: '', unconfirmed: 4, lastError: undefined },
      counters: { confirmed: 0, returned: 0, nacked: 1, refused: 0, republished: 2, reconnects: 3 },
    },
    waitingCount: () => 6,
    held: () => ({ unroutable: { events: 8, oldestMs: 1000 }, nacked: { events: 0, oldestMs: undefined } }),
    now: () => 3500,
  });
  return metrics;
}

const scrape = (metrics: CollectorMetrics) => metrics.registry.metrics();

describe('/metrics', () => {
  test('has what was counted', async () => {
    const metrics = watched();
    metrics.received.inc({ signal: 'traces' }, 12);
    metrics.mapped.inc({ type: 'file.uploaded' });
    metrics.countRequest('/api/v1/events', 202);
    metrics.publishLatency.observe(0.03);
    const text = await scrape(metrics);
    for (const line of [
      'otlp_records_total{signal="traces"} 12',
      'events_total{type="file.uploaded"} 1',
      'http_requests_total{route="/api/v1/events",status="202"} 1',
      'publish_seconds_bucket{le="0.01"} 0',
      'publish_seconds_bucket{le="0.05"} 1',
      'publish_seconds_count 1',
    ])
      expect(text).toContain(`\n${PREFIX}${line}\n`);
  });

  test('reads at each scrape what is counted elsewhere', async () => {
    const metrics = watched();
    const lines = [
      'journal_bytes 10',
      'journal_max_bytes 100',
      'journal_backlog_bytes 5',
      'journal_commits_total 7',
      'rejected_records 2',
      'unpublishable_events 1',
      'held_events{reason="unroutable"} 8',
      'held_events{reason="nacked"} 0',
      'held_oldest_seconds{reason="unroutable"} 2.5',
      'held_oldest_seconds{reason="nacked"} 0',
      'waiting_observations 6',
      'unconfirmed_messages 4',
      'broker_connected 1',
      'broker_blocked 0',
      'reconnects_total 3',
      'republished_messages_total 2',
      'nacked_messages_total 1',
    ];
    // Twice, as what is counted elsewhere must not be added up.
    await scrape(metrics);
    const text = await scrape(metrics);
    for (const line of lines) expect(text).toContain(`\n${PREFIX}${line}\n`);
  });

  test('begins at 0, so that a rate shows the first step', async () => {
    const text = await scrape(watched());
    for (const line of [
      'published_events_total{outcome="returned"} 0',
      'rejected_events_total{origin="api"} 0',
      'ignored_records_total{signal="logs"} 0',
      'duplicate_events_total 0',
    ])
      expect(text).toContain(`\n${PREFIX}${line}\n`);
  });

  test('has the version', async () =>
    expect(await scrape(watched())).toContain(`${PREFIX}build_info{version="${VERSION}"} 1`));

  test('describes each of its own metrics, and no others', async () => {
    const metrics = watched();
    const described = metrics.descriptions.map(({ name, type, help }) => `${name} ${type} ${help}`);
    const text = await scrape(metrics);
    const there = [...text.matchAll(/^# HELP (clowder_otel_\S+) (.+)\n# TYPE \S+ (\S+)$/gm)];
    expect(described.toSorted()).toEqual(there.map(([, name, help, type]) => `${name} ${type} ${help}`).toSorted());
  });

  test("follows Prometheus' naming: counters end in _total, base units, letters and _", () => {
    for (const { name, type, help } of watched().descriptions) {
      expect(name).toMatch(/^clowder_otel_[a-z_]+$/);
      expect(name.endsWith('_total')).toBe(type === 'counter');
      expect(name).not.toMatch(/_(?:ms|millis|kb|mb|percent|count|sum|bucket)(?:_|$)/);
      expect(help).not.toBe('');
    }
  });
});
