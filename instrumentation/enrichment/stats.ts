import type { Meter } from '@opentelemetry/api';

/** How a look-up went. `paused` and `busy` were never sent. */
export type LookupOutcome = 'found' | 'none' | 'failed' | 'timeout' | 'paused' | 'busy';
/** Why an event was sent without what it lacks. */
export type UnenrichedReason = Exclude<LookupOutcome, 'found' | 'none'> | 'shutdown';

/** Counts of what enrichment has done, as plain numbers to keep counting cheap. */
export class EnrichmentStats {
  readonly lookups = new Map<LookupOutcome, number>();
  cacheHits = 0;
  readonly unenriched = new Map<UnenrichedReason, number>();
}

/** Adds to a number that may be absent. */
export function addTo<K>(counts: Map<K, number>, key: K, more = 1): void {
  counts.set(key, (counts.get(key) ?? 0) + more);
}

/** Exposes the numbers as OTel metrics. */
export function observeStats(meter: Meter, stats: EnrichmentStats): void {
  meter
    .createObservableCounter('clowder.enrich.lookups', { description: 'Look-ups in Clowder', unit: '{lookup}' })
    .addCallback((result) => {
      for (const [outcome, count] of stats.lookups) result.observe(count, { 'clowder.enrich.outcome': outcome });
    });
  meter
    .createObservableCounter('clowder.enrich.cache.hits', { description: 'Look-ups saved', unit: '{lookup}' })
    .addCallback((result) => result.observe(stats.cacheHits));
  meter
    .createObservableCounter('clowder.enrich.events.unenriched', {
      description: 'Events that were sent without what a look-up should have added',
      unit: '{event}',
    })
    .addCallback((result) => {
      for (const [reason, count] of stats.unenriched) result.observe(count, { 'error.type': reason });
    });
}
