import { Counter, Gauge, Registry, collectDefaultMetrics } from 'prom-client';
import type { ProxyStats } from './stats.ts';

const COUNTERS: readonly { name: string; help: string; read: (stats: ProxyStats) => number }[] = [
  { name: 'answers_total', help: 'Answers of Clowder that were passed on', read: (stats) => stats.answered },
  { name: 'retries_total', help: 'Requests sent again, on another connection', read: (stats) => stats.retried },
  { name: 'clients_left_total', help: 'Exchanges that the client left early', read: (stats) => stats.clientsLeft },
  { name: 'tunnels_total', help: 'Connections that changed to another protocol', read: (stats) => stats.tunnels },
  { name: 'excess_total', help: 'Answers followed by bytes that belong to none', read: (stats) => stats.excess },
  { name: 'capture_failures_total', help: 'Failures of capture or telemetry; the requests passed', read: (stats) => stats.captureErrors },
]; // prettier-ignore

const LABELLED: readonly { name: string; label: string; help: string; read: (stats: ProxyStats) => Map<string, number> }[] = [
  { name: 'upstream_errors_total', label: 'type', help: 'Requests that Clowder gave no proper answer to', read: (stats) => stats.upstreamErrors },
  { name: 'refused_requests_total', label: 'status', help: 'Requests that were not forwarded', read: (stats) => stats.refused },
]; // prettier-ignore

/** The numbers in Prometheus' format. */
export function statsRegistry(stats: ProxyStats, connections: () => number): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  for (const { name, help, read } of COUNTERS) {
    const counter: Counter = new Counter({
      name: `clowder_otel_proxy_${name}`,
      help,
      registers: [registry],
      collect: () => {
        counter.reset();
        counter.inc(read(stats));
      },
    });
  }
  for (const { name, label, help, read } of LABELLED) {
    const counter: Counter = new Counter({
      name: `clowder_otel_proxy_${name}`,
      help,
      labelNames: [label],
      registers: [registry],
      collect: () => {
        counter.reset();
        for (const [value, number] of read(stats)) counter.inc({ [label]: value }, number);
      },
    });
  }
  gauge('requests_in_flight', 'Requests that are not over', () => stats.inFlight);
  gauge('upstream_connections', 'Connections to Clowder', connections);

  function gauge(name: string, help: string, read: () => number): void {
    const one: Gauge = new Gauge({
      name: `clowder_otel_proxy_${name}`,
      help,
      registers: [registry],
      collect: () => one.set(read()),
    });
  }
  return registry;
}
