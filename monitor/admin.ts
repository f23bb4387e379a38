import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Gauge, Registry } from 'prom-client';
import { GAUGES, numberOf, type ObservedReading } from './metrics.ts';
import type { TelemetryStats } from './telemetry/telemetry.ts';

export interface AdminOptions {
  readonly host: string;
  readonly port: number;
  readonly latest: () => readonly ObservedReading[];
  readonly stats: () => TelemetryStats;
}

/** A listener for a health check of the monitor itself, and for Prometheus. */
export interface Admin {
  readonly port: number;
  stop(): Promise<void>;
}

/** @throws Error where the address cannot be listened on */
export async function startAdmin({ host, port, latest, stats }: AdminOptions): Promise<Admin> {
  const registry = prometheusOf(latest, stats);
  const server = createServer((request, response) => {
    const path = request.url?.split('?')[0];
    const send = (status: number, type: string, body: string): void =>
      void response.writeHead(status, { 'content-type': type }).end(request.method === 'HEAD' ? undefined : body);
    if (request.method !== 'GET' && request.method !== 'HEAD') send(405, 'text/plain', 'only GET\n');
    else if (path === '/healthz') send(200, 'application/json', JSON.stringify(healthOf(latest(), stats())));
    else if (path === '/metrics')
      registry.metrics().then(
        (text) => send(200, registry.contentType, text),
        (error: unknown) => send(500, 'text/plain', `${String(error)}\n`),
      );
    else send(404, 'text/plain', 'there are /healthz and /metrics\n');
  });
  server.listen(port, host);
  await once(server, 'listening');
  const address = server.address();
  return {
    port: isTcp(address) ? address.port : port,
    async stop() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

function isTcp(address: AddressInfo | string | null): address is AddressInfo {
  return typeof address === 'object' && address !== null;
}

/** That it answers is what counts: what the monitor looks at may be as ill as it likes. */
function healthOf(readings: readonly ObservedReading[], { spool, lanes, lost }: TelemetryStats): object {
  return {
    status: 'ok',
    targets: readings.length,
    down: readings.filter((reading) => !reading.healthy).length,
    spool: { requests: spool.rows, bytes: spool.bytes, max_bytes: spool.maxBytes, refused: spool.refused },
    problem: lanes.logs.problem || lanes.metrics.problem || undefined,
    lost: lost.logs + lost.metrics,
  };
}

const LABELS = ['probe', 'component', 'target'] as const;

/** The gauges that go out as OTLP, by Prometheus' rules for names, from the latest readings. */
function prometheusOf(latest: () => readonly ObservedReading[], stats: () => TelemetryStats): Registry {
  const registry = new Registry();
  const gauge = (name: string, help: string, valueOf: (reading: ObservedReading) => number | undefined): void => {
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
  gauge('clowder.monitor.up', '1 where the latest reading is good, 0 where it is bad', ({ healthy }) =>
    healthy ? 1 : 0,
  );
  gauge('clowder.monitor.response_time_seconds', 'Of the latest reading', ({ fields }) =>
    typeof fields.response_time_ms === 'number' ? fields.response_time_ms / 1000 : undefined,
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
