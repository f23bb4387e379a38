import { Gauge, Registry } from 'prom-client';
import type { AdminPages, Readiness } from '../runtime/admin.ts';
import { GAUGES, numberOf, type LatestReading } from './metrics.ts';
import type { TelemetryStats } from './telemetry/telemetry.ts';

/** The monitor's own state, and its latest readings for Prometheus. */
export function adminPages(latest: () => readonly LatestReading[], stats: () => TelemetryStats): AdminPages {
  return {
    health: () => healthOf(latest(), stats()),
    readiness: () => readinessOf(stats()),
    registry: prometheusOf(latest, stats),
  };
}

/** Any answer means that the monitor is alive, whatever the state of the watched components. */
function healthOf(readings: readonly LatestReading[], { spool, lanes, lost }: TelemetryStats): object {
  return {
    targets: readings.length,
    down: readings.filter((reading) => !reading.healthy).length,
    spool: { requests: spool.rows, bytes: spool.bytes, max_bytes: spool.maxBytes, refused: spool.refused },
    problem: lanes.logs.problem || lanes.metrics.problem || undefined,
    lost: lost.logs + lost.metrics,
  };
}

/** Ready if the receiver accepts telemetry; otherwise readings wait on disk. Components that are down do not matter here. */
function readinessOf({ lanes }: TelemetryStats): Readiness {
  const reason = lanes.logs.problem || lanes.metrics.problem;
  const ready = reason === '';
  const receiver = { ok: ready, ...(!ready && { reason }) };
  return { ready, body: { status: ready ? 'ready' : 'degraded', checks: { receiver } } };
}

const LABELS = ['probe', 'component', 'target'] as const;

/** The gauges that are also sent by OTLP, from the latest readings, under Prometheus' naming rules. */
export function prometheusOf(latest: () => readonly LatestReading[], stats: () => TelemetryStats): Registry {
  const registry = new Registry();
  const gauge = (name: string, help: string, valueOf: (reading: LatestReading) => number | undefined): void => {
    const one = new Gauge({
      name: name.replaceAll('.', '_'),
      help,
      labelNames: LABELS,
      registers: [registry],
      collect() {
        one.reset();
        for (const reading of latest()) {
          const { probe, component, target } = reading;
          const value = valueOf(reading);
          if (value !== undefined) one.set({ probe, component, target }, value);
        }
      },
    });
  };
  gauge('clowder.monitor.up', '1 if the latest reading is good, 0 if it is bad', ({ healthy }) => (healthy ? 1 : 0));
  gauge('clowder.monitor.response_time_seconds', 'Of the latest reading', ({ fields }) =>
    typeof fields.response_time_ms === 'number' ? fields.response_time_ms / 1000 : undefined,
  );
  gauge(
    'clowder.monitor.reading_timestamp_seconds',
    'When the latest reading was made, as Unix time',
    ({ atMs }) => atMs / 1000,
  );
  for (const [field, [name, , help]] of Object.entries(GAUGES))
    gauge(name, help, ({ fields }) => {
      const byName: Readonly<Record<string, unknown>> = fields;
      return numberOf(byName[field]);
    });
  const own = (name: string, help: string, value: (given: TelemetryStats) => number): void => {
    const one: Gauge = new Gauge({ name, help, registers: [registry], collect: () => one.set(value(stats())) });
  };
  own('clowder_monitor_spool_size_bytes', 'Waiting on disk to be sent', ({ spool }) => spool.bytes);
  own('clowder_monitor_telemetry_lost', 'Lost before it could be sent', ({ lost }) => lost.logs + lost.metrics);
  own(
    'clowder_monitor_telemetry_rejected',
    'Refused by the receiver for good',
    ({ lanes }) => lanes.logs.rejected + lanes.metrics.rejected,
  );
  return registry;
}
