import type { Reading, Row } from './api.ts';

/** An extractor, from the monitor's readings and its jobs. */
export interface Extractor {
  readonly name: string;
  /** Null if the monitor does not watch it. */
  readonly alive: boolean | null;
  readonly waiting: number | null;
  /** Jobs queued in the period that have not ended. */
  readonly open: number | null;
  readonly jobs: number | null;
  readonly failed: number | null;
  /** Median and 95th percentile in milliseconds. */
  readonly wait: readonly [number | null, number | null];
  readonly run: readonly [number | null, number | null];
  /** Which jobs are stuck; null if none is. */
  readonly stuck: string | null;
}

/** Names of the monitor's readings of an extractor. */
const ALIVE = /^extractor /;
const STUCK = /^jobs of /;

const number = (value: unknown): number | null => (typeof value === 'number' ? value : null);

/** Silent or stuck extractors first, then by number of jobs. */
export function extractorsOf(
  probes: readonly Reading[],
  jobs: readonly Row[],
  open: readonly Row[],
): readonly Extractor[] {
  const readings = new Map<string, Reading>();
  const stuck = new Map<string, string>();
  for (const probe of probes) {
    if (probe.component === null) continue;
    if (ALIVE.test(probe.target)) readings.set(probe.component, probe);
    if (STUCK.test(probe.target) && !probe.healthy) stuck.set(probe.component, probe.error ?? 'stuck');
  }
  const rows = new Map(jobs.map((row) => [String(row['extractor'] ?? '(none)'), row]));
  const openOf = new Map(open.map((row) => [String(row['extractor'] ?? '(none)'), number(row['jobs'])]));
  return [...new Set([...readings.keys(), ...rows.keys()])]
    .map((name) => {
      const [reading, row] = [readings.get(name), rows.get(name)];
      return {
        name,
        alive: reading?.healthy ?? null,
        waiting: number(reading?.measures['queue_length']),
        open: openOf.get(name) ?? (row === undefined ? null : 0),
        jobs: number(row?.['jobs']),
        failed: number(row?.['jobs_failed']),
        wait: [number(row?.['wait_ms_p50']), number(row?.['wait_ms_p95'])] as const,
        run: [number(row?.['run_ms_p50']), number(row?.['run_ms_p95'])] as const,
        stuck: stuck.get(name) ?? null,
      };
    })
    .toSorted((a, b) => worry(b) - worry(a) || (b.jobs ?? 0) - (a.jobs ?? 0) || a.name.localeCompare(b.name));
}

const worry = ({ alive, stuck }: Extractor): number => Number(alive === false) * 2 + Number(stuck !== null);
