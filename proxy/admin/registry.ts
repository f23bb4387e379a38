import { Counter, Gauge, Registry, collectDefaultMetrics, type Aggregator } from 'prom-client';
import type { EnrichmentStats } from '../../instrumentation/enrichment/stats.ts';
import type { Delivery } from '../../instrumentation/telemetry/retrying-sender.ts';
import { lostOf, reachedOf, waitingOf } from './deliveries.ts';
import type { ProxyStats } from './stats.ts';

const COUNTERS: readonly { name: string; help: string; read: (stats: ProxyStats) => number }[] = [
  { name: 'answers_total', help: 'Answers of Clowder that were passed on', read: (stats) => stats.answered },
  { name: 'retries_total', help: 'Requests sent again, on another connection', read: (stats) => stats.retried },
  { name: 'clients_left_total', help: 'Exchanges that the client left early', read: (stats) => stats.clientsLeft },
  { name: 'connections_refused_total', help: 'Connections closed because their client address has as many as it may', read: (stats) => stats.connectionsRefused },
  { name: 'tunnels_total', help: 'Connections that changed to another protocol', read: (stats) => stats.tunnels },
  { name: 'excess_total', help: 'Answers followed by bytes that belong to no answer', read: (stats) => stats.excess },
  { name: 'capture_failures_total', help: 'Failures of capture or telemetry; the requests passed', read: (stats) => stats.captureErrors },
]; // prettier-ignore

const LABELLED: readonly { name: string; label: string; help: string; read: (stats: ProxyStats) => Map<string, number> }[] = [
  { name: 'upstream_errors_total', label: 'type', help: 'Requests that Clowder gave no proper answer to', read: (stats) => stats.upstreamErrors },
  { name: 'refused_requests_total', label: 'status', help: 'Requests that were not forwarded', read: (stats) => stats.refused },
]; // prettier-ignore

const ENRICHMENT: readonly { name: string; label?: string; help: string; read: (stats: EnrichmentStats) => ReadonlyMap<string, number> | number }[] = [
  { name: 'enrich_lookups_total', label: 'outcome', help: 'Look-ups in Clowder', read: (stats) => stats.lookups },
  { name: 'enrich_cache_hits_total', help: 'Look-ups saved', read: (stats) => stats.cacheHits },
  { name: 'enrich_events_unenriched_total', label: 'reason', help: 'Events that were sent without what a look-up should have added', read: (stats) => stats.unenriched },
]; // prettier-ignore

/**
 * The counters and gauges in Prometheus format.
 *
 * @param enrichment undefined if it is off
 * @param deliveries of events, one for each destination
 */
export function statsRegistry(
  stats: ProxyStats,
  connections: () => number,
  enrichment: EnrichmentStats | undefined,
  deliveries: () => readonly Delivery[],
): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  for (const { name, help, read } of COUNTERS) counter({ name, help }, () => read(stats));
  for (const { name, help, label, read } of LABELLED) counter({ name, help, label }, () => read(stats));
  if (enrichment !== undefined) {
    for (const { read, ...one } of ENRICHMENT) counter(one, () => read(enrichment));
  }
  counter({ name: 'events_lost_total', help: 'Events that were lost', label: 'reason' }, () => lostOf(deliveries()));
  gauge('events_waiting', 'Events that the collector has not taken yet', () => waitingOf(deliveries()));
  gauge(
    'collector_reached',
    'Whether the collector took what was sent last; NaN before the first time',
    () => Number(reachedOf(deliveries()) ?? Number.NaN),
    // With several workers: 1 only if all of them reach it.
    'min',
  );
  gauge('requests_in_flight', 'Requests in flight', () => stats.inFlight);
  gauge('upstream_connections', 'Connections to Clowder', connections);

  function counter(
    { name, help, label }: { name: string; help: string; label?: string },
    read: () => ReadonlyMap<string, number> | number,
  ): void {
    const one: Counter = new Counter({
      name: `clowder_otel_proxy_${name}`,
      help,
      labelNames: label === undefined ? [] : [label],
      registers: [registry],
      collect: () => {
        one.reset();
        const numbers = read();
        if (typeof numbers === 'number') one.inc(numbers);
        else if (label !== undefined) for (const [value, number] of numbers) one.inc({ [label]: value }, number);
      },
    });
  }

  function gauge(name: string, help: string, read: () => number, aggregator: Aggregator = 'sum'): void {
    const one: Gauge = new Gauge({
      name: `clowder_otel_proxy_${name}`,
      help,
      aggregator,
      registers: [registry],
      collect: () => one.set(read()),
    });
  }
  return registry;
}
