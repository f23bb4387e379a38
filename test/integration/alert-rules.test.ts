import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { alertRules, RULES_FILE } from '../support/alert-rules.ts';
import { tempDir } from '../support/processes.ts';
import { toolPath } from '../support/tools.ts';

const run = promisify(execFile);
const AT = '40m';
/** One value a minute for an hour, always 0. */
const FLAT = '0x60';
const GROWS = '0+1x60';

interface Case {
  /** Series with which the alert fires: one value a minute, in promtool's notation. */
  readonly fires: Readonly<Record<string, string>>;
  /** Series with which it does not fire: all is well, or not bad enough. */
  readonly rests: Readonly<Record<string, string>>;
  /** Labels of the alert that fires. */
  readonly labels?: Readonly<Record<string, string>>;
}

const A = '{instance="a"}';
const SINK = 'instance="a",sink="matomo"';
const of = (metric: string, fires: string, rests: string, labels = 'instance="a"'): Case => ({
  fires: { [`${metric}{${labels}}`]: fires },
  rests: { [`${metric}{${labels}}`]: rests },
  labels: Object.fromEntries(
    [...labels.matchAll(/(\w+)="([^"]*)"/g)].map(([, name = '', value = '']) => [name, value]),
  ),
});
/** The same case for an expression that drops the other labels. */
const summed = (one: Case, labels: Case['labels'] = { instance: 'a' }): Case => ({ ...one, labels: labels ?? {} });

const down = (job: string): Case => of('up', '0x60', '1x60', `job="${job}",instance="a"`);

/** Each alert with a series that fires it and one that does not. */
const CASES: Readonly<Record<string, Case>> = {
  ClowderOtelDown: down('clowder-otel'),
  ClowderOtelTurnsProducersAway: {
    fires: { 'clowder_otel_http_requests_total{instance="a",route="/v1/logs",status="503"}': GROWS },
    // A readiness probe is not a producer.
    rests: { 'clowder_otel_http_requests_total{instance="a",route="/readyz",status="503"}': GROWS },
    labels: { instance: 'a' },
  },
  ClowderOtelRefusesKeys: of('clowder_otel_refused_keys_total', GROWS, FLAT, 'instance="a",reason="unknown"'),
  ClowderOtelBrokerAway: of('clowder_otel_broker_connected', '0x60', '1x60'),
  ClowderOtelBacklogHalfFull: {
    fires: { [`clowder_otel_journal_backlog_bytes${A}`]: '60x60', [`clowder_otel_journal_max_bytes${A}`]: '100x60' },
    rests: { [`clowder_otel_journal_backlog_bytes${A}`]: '40x60', [`clowder_otel_journal_max_bytes${A}`]: '100x60' },
    labels: { instance: 'a' },
  },
  ClowderOtelJournalFills: {
    fires: { [`clowder_otel_journal_backlog_bytes${A}`]: '0+1x60', [`clowder_otel_journal_max_bytes${A}`]: '200x60' },
    rests: { [`clowder_otel_journal_backlog_bytes${A}`]: '0+1x60', [`clowder_otel_journal_max_bytes${A}`]: '900x60' },
    labels: { instance: 'a' },
  },
  ClowderOtelPublishesSlowly: {
    fires: {
      'clowder_otel_publish_seconds_bucket{instance="a",le="5"}': FLAT,
      'clowder_otel_publish_seconds_bucket{instance="a",le="30"}': GROWS,
      'clowder_otel_publish_seconds_bucket{instance="a",le="+Inf"}': GROWS,
    },
    rests: {
      'clowder_otel_publish_seconds_bucket{instance="a",le="5"}': GROWS,
      'clowder_otel_publish_seconds_bucket{instance="a",le="30"}': GROWS,
      'clowder_otel_publish_seconds_bucket{instance="a",le="+Inf"}': GROWS,
    },
    labels: { instance: 'a' },
  },
  ClowderOtelReconnects: of('clowder_otel_reconnects_total', GROWS, '1x60'),
  ClowderOtelHeld: of('clowder_otel_held_oldest_seconds', '0+60x60', '0x60', 'instance="a",reason="unroutable"'),
  ClowderOtelDropped: summed(of('clowder_otel_published_events_total', GROWS, FLAT, 'instance="a",outcome="dropped"')),
  ClowderOtelUnpublishable: of('clowder_otel_unpublishable_events', '2x60', FLAT),
  ClowderOtelRejected: of('clowder_otel_rejected_events_total', '0x20 1x40', FLAT, 'instance="a",origin="otlp-logs"'),
  ClowderOtelRecovered: of('clowder_otel_recovered_events_total', GROWS, FLAT),
  ClowderOtelUsageStopped: of('clowder_otel_usage_alerts', '1x60', FLAT, 'instance="a",kind="type"'),
  ClowderOtelUsageBehind: of('clowder_otel_usage_behind_seconds', '0+60x60', '30x60'),

  ClowderOtelProxyDown: down('clowder-otel-proxy'),
  ClowderOtelProxyUpstreamErrors: {
    fires: {
      'clowder_otel_proxy_upstream_errors_total{instance="a",type="timeout"}': '0+6x60',
      [`clowder_otel_proxy_answers_total${A}`]: '0+94x60',
    },
    rests: {
      'clowder_otel_proxy_upstream_errors_total{instance="a",type="timeout"}': '0+4x60',
      [`clowder_otel_proxy_answers_total${A}`]: '0+96x60',
    },
    labels: { instance: 'a' },
  },
  ClowderOtelProxyRefusesRequests: {
    fires: { 'clowder_otel_proxy_refused_requests_total{instance="a",status="503"}': GROWS },
    // An invalid request is the client's fault.
    rests: { 'clowder_otel_proxy_refused_requests_total{instance="a",status="400"}': GROWS },
    labels: { instance: 'a' },
  },
  ClowderOtelProxyEventsLost: of(
    'clowder_otel_proxy_events_lost_total',
    '0x35 5x25',
    FLAT,
    'instance="a",reason="full"',
  ),
  ClowderOtelProxyNotDelivered: of('clowder_otel_proxy_collector_reached', '0x60', '1x60'),
  ClowderOtelProxyEventsWait: of('clowder_otel_proxy_events_waiting', '30000x60', '200x60'),
  ClowderOtelProxyCaptureFails: of('clowder_otel_proxy_capture_failures_total', GROWS, '3x60'),

  ClowderOtelMonitorDown: down('clowder-otel-monitor'),
  ClowderOtelMonitorNoReadings: {
    fires: { 'up{job="clowder-otel-monitor",instance="a"}': '1x60' },
    // One monitor of the pair works.
    rests: {
      'up{job="clowder-otel-monitor",instance="a"}': '1x60',
      'up{job="clowder-otel-monitor",instance="b"}': '1x60',
      'clowder_monitor_up{instance="a",component="clowder"}': '1x60',
    },
    labels: {},
  },
  ClowderOtelMonitorNotProbing: of('clowder_monitor_reading_timestamp_seconds', '60x60', '0+60x60'),
  ClowderOtelComponentDown: of('clowder_monitor_up', '0x60', '1x60', 'instance="a",component="clowder",target="t"'),
  ClowderOtelDiskFills: of('clowder_monitor_disk_used', '95x60', '80x60', 'instance="a",target="/data"'),
  ClowderOtelCertificateExpires: of('clowder_monitor_tls_days_left', '3x200', '60x200', 'instance="a",target="t"'),
  ClowderOtelMonitorLosesTelemetry: {
    fires: { [`clowder_monitor_telemetry_lost${A}`]: FLAT, [`clowder_monitor_telemetry_rejected${A}`]: GROWS },
    rests: { [`clowder_monitor_telemetry_lost${A}`]: '4x60', [`clowder_monitor_telemetry_rejected${A}`]: FLAT },
    labels: { instance: 'a' },
  },
  // The spool fills and empties again: no alert.
  ClowderOtelMonitorNotDelivered: of('clowder_monitor_spool_size_bytes', '5+10x60', '5 0 5 0 5 0 5 0 5 0'),

  ClowderOtelSinksDown: down('clowder-otel-sinks'),
  ClowderOtelSinkNotReady: of('clowder_otel_sink_ready', '0x60', '1x60', SINK),
  ClowderOtelSinkStopped: {
    fires: {
      [`clowder_otel_sink_backlog_events{${SINK}}`]: '0+5x60',
      [`clowder_otel_sink_events_total{${SINK},outcome="accepted"}`]: '10x60',
    },
    // One process works and the other stands by.
    rests: {
      [`clowder_otel_sink_backlog_events{${SINK}}`]: '9x60',
      [`clowder_otel_sink_events_total{${SINK},outcome="accepted"}`]: '10x60',
      'clowder_otel_sink_events_total{instance="b",sink="matomo",outcome="accepted"}': GROWS,
    },
    labels: { sink: 'matomo' },
  },
  ClowderOtelSinkLags: {
    fires: {
      [`clowder_otel_sink_oldest_event_seconds{${SINK}}`]: '4000x60',
      [`clowder_otel_sink_backlog_events{${SINK}}`]: '5000x60',
    },
    rests: {
      [`clowder_otel_sink_oldest_event_seconds{${SINK}}`]: '4000x60',
      [`clowder_otel_sink_backlog_events{${SINK}}`]: '3x60',
    },
    labels: { instance: 'a', sink: 'matomo' },
  },
  ClowderOtelSinkDeadLetters: of('clowder_otel_sink_dead_letters', '1x60', FLAT, SINK),
  ClowderOtelSinkDeadLettersWait: of('clowder_otel_sink_dead_letters_waiting', '1x60', FLAT, SINK),
};

/** When to look: after the alert's `for` and the range before it. */
const WHEN: Readonly<Record<string, string>> = {
  ClowderOtelCertificateExpires: '2h',
  ClowderOtelJournalFills: '55m',
  ClowderOtelSinkLags: '55m',
  ClowderOtelSinkStopped: '55m',
};

let dir: Awaited<ReturnType<typeof tempDir>>;
beforeAll(async () => {
  dir = await tempDir('alert-rules');
});
afterAll(() => dir.remove());

const braced = (labels: Readonly<Record<string, string>>): string =>
  Object.entries(labels)
    .map(([name, value]) => `${name}="${value}"`)
    .join(',');

type Kind = 'fires' | 'rests';

/** One promtool test: whether each alert fires. The series of each alert get an instance name of their own. */
function promtoolTest(alerts: readonly string[], kind: Kind): object {
  const own = (alert: string, text: string): string => text.replaceAll('instance="a"', `instance="${alert}"`);
  return {
    interval: '1m',
    input_series: alerts.flatMap((alert) =>
      Object.entries(CASES[alert]?.[kind] ?? {}).map(([name, values]) => ({ series: own(alert, name), values })),
    ),
    promql_expr_test: alerts.map((alert) => {
      const labels = CASES[alert]?.labels ?? {};
      const severity = alertRules().find((rule) => rule.alert === alert)?.labels['severity'] ?? '';
      const firing = { __name__: 'ALERTS', alertname: alert, alertstate: 'firing', severity, ...labels };
      const instance = 'instance' in labels ? ',instance="a"' : '';
      return {
        expr: own(alert, `ALERTS{alertname="${alert}",alertstate="firing"${instance}}`),
        eval_time: WHEN[alert] ?? AT,
        exp_samples: kind === 'rests' ? [] : [{ labels: own(alert, `{${braced(firing)}}`), value: 1 }],
      };
    }),
  };
}

/** Alerts that sum over instances are tested one by one; the others share a test, because promtool is slow. */
function promtoolTests(kind: Kind): readonly object[] {
  const isOfInstance = (alert: string): boolean => 'instance' in (CASES[alert]?.labels ?? {});
  const alerts = Object.keys(CASES);
  return [
    promtoolTest(alerts.filter(isOfInstance), kind),
    ...alerts.filter((alert) => !isOfInstance(alert)).map((alert) => promtoolTest([alert], kind)),
  ];
}

async function promtool(...args: string[]): Promise<string> {
  try {
    return (await run(toolPath('promtool'), args)).stdout;
  } catch (error) {
    // promtool prints what failed on stdout.
    throw new Error(error instanceof Error && 'stdout' in error ? `${error.message}\n${String(error.stdout)}` : '', { cause: error }); // prettier-ignore
  }
}

describe('the alert rules, in promtool of Prometheus', () => {
  test('are accepted', async () => {
    expect(await promtool('check', 'rules', RULES_FILE)).toContain(`SUCCESS: ${alertRules().length} rules found`);
  });

  test('each have an example', () => {
    expect(Object.keys(CASES).toSorted()).toEqual(
      alertRules()
        .map((rule) => rule.alert)
        .toSorted(),
    );
  });

  test('each fire in their example, and do not fire when all is well', async () => {
    const tests = [...promtoolTests('fires'), ...promtoolTests('rests')];
    const file = join(dir.path, 'alerts.test.yml');
    await writeFile(file, JSON.stringify({ rule_files: [RULES_FILE], evaluation_interval: '1m', tests }));
    expect(await promtool('test', 'rules', file)).toContain('SUCCESS');
  });
});
