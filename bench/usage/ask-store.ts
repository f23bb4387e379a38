import { readFileSync } from 'node:fs';
import { figuresOf } from '../../usage/reports/figures.ts';
import { monthsPeriod } from '../../usage/rules/time-zone.ts';
import { answerStats } from '../../usage/stats/answer.ts';
import { statsQuery } from '../../usage/ask/question.ts';
import { openDuckdbStore } from '../../usage/store/duckdb/store.ts';

/**
 * `node bench/usage/ask-store.ts FILE`: asks a store the dashboard's questions and makes the report of a month. Prints as JSON
 * what each took.
 */
const [path = ''] = process.argv.slice(2);

const MONTH = { from: '2026-10', to: '2026-10' };
const YEAR = { from: '2025-12', to: '2026-11' };
const ALL = { from: '2023-12', to: '2026-11' };
const CHICAGO = { time_zone: 'America/Chicago' };

const TOTALS = { metric: 'views,downloads,bytes,visitors,uploads,bytes_uploaded' };
const RANKED = { metric: 'downloads,views,bytes', top: '10' };
const PEOPLE = { client: 'browser' };

/** The questions of the dashboard's pages (dashboard/app/pages), each for a month, a year and all time. */
const QUESTIONS = ofEach({
  totals: TOTALS,
  'totals and those before': { ...TOTALS, compare: 'before' },
  'totals of people': { ...TOTALS, ...PEOPLE },
  'totals of a dataset': { ...TOTALS, dataset: 'dataset-7' },
  activity: { metric: 'views,downloads,uploads', by: 'UNIT' },
  'activity, there': { metric: 'views,downloads,uploads', by: 'UNIT', ...CHICAGO },
  volume: { metric: 'bytes,bytes_uploaded', by: 'UNIT' },
  jobs: { metric: 'jobs,jobs_failed', by: 'UNIT' },
  'most used datasets': { ...RANKED, by: 'dataset' },
  'most used datasets of people': { ...RANKED, by: 'dataset', ...PEOPLE },
  'most used files': { ...RANKED, by: 'resource', resource_type: 'file' },
  'by space': { ...RANKED, by: 'space' },
  'by collection': { ...RANKED, by: 'collection' },
  'file types': { ...RANKED, by: 'content_type' },
  'where they came from': { ...RANKED, by: 'referrer' },
  countries: { ...RANKED, by: 'country' },
  'most active users': { ...RANKED, by: 'user' },
  'not counted': { metric: 'views,downloads,events', by: 'reason' },
  extractors: { metric: 'jobs,jobs_failed,wait_ms_p50,wait_ms_p95,run_ms_p50,run_ms_p95', by: 'extractor' },
  components: { metric: 'uptime_percent,response_time_ms_p50,response_time_ms_p95', by: 'component' },
  'response time': { metric: 'response_time_ms_p95', by: 'UNIT,component' },
});

/** Further questions that scripts ask; no page does, and no bound applies to them. */
const BESIDE = ofEach({
  'unique figures': { metric: 'investigations,unique_investigations,requests,unique_requests' },
  'datasets by unique figures': { metric: 'unique_investigations,unique_requests', by: 'dataset', top: '10' },
  'visitors over time': { metric: 'visitors', by: 'UNIT' },
});

function ofEach(
  questions: Readonly<Record<string, Readonly<Record<string, string>>>>,
): Readonly<Record<string, Readonly<Record<string, string>>>> {
  return Object.fromEntries(
    Object.entries({ month: MONTH, year: YEAR, all: ALL }).flatMap(([name, period]) =>
      Object.entries(questions).map(([what, { by, ...query }]) => [
        `${name}: ${what}`,
        {
          ...period,
          ...query,
          ...(by !== undefined && { by: by.replace('UNIT', name === 'month' ? 'day' : 'month') }),
        },
      ]),
    ),
  );
}

/** Processor time by question, which a busy machine does not lengthen. */
const cpuMs: Record<string, number> = {};

async function timed(name: string, work: () => Promise<unknown>): Promise<number> {
  const [start, cpu] = [performance.now(), process.cpuUsage()];
  await work();
  const took = performance.now() - start;
  const { user, system } = process.cpuUsage(cpu);
  cpuMs[name] = Math.round((user + system) / 1000);
  return Math.round(took);
}

const store = await openDuckdbStore({ path });

async function ask(asked: typeof QUESTIONS): Promise<Record<string, number>> {
  const took: Record<string, number> = {};
  for (const [name, query] of Object.entries(asked))
    took[name] = await timed(name, () => answerStats(store, statsQuery.parse(query), undefined, { named: true }));
  return took;
}

const questions = await ask(QUESTIONS);
const period = monthsPeriod('2026-10', '2026-10', 'UTC');
const report = await timed('report', () => figuresOf(store, { code: 'r51', period, zone: 'UTC' }));
const rssMiB = Math.round(Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]) / 1024);
const beside = await ask(BESIDE);
await store.close();
console.log(JSON.stringify({ questions, beside, report, rssMiB, cpuMs }));
