import { readFileSync } from 'node:fs';
import { figuresOf } from '../../usage/reports/figures.ts';
import { monthsPeriod } from '../../usage/rules/time-zone.ts';
import { answerStats } from '../../usage/stats/answer.ts';
import { statsQuery } from '../../usage/ask/question.ts';
import { openDuckdbStore } from '../../usage/store/duckdb/store.ts';

/**
 * `node bench/usage/ask-store.ts FILE`: asks a store what the dashboard asks, and makes the report of a month; prints what
 * each took, as JSON.
 */
const [path = ''] = process.argv.slice(2);

const MONTH = { from: '2026-10', to: '2026-10' };
const YEAR = { from: '2025-12', to: '2026-11' };
const ALL = { from: '2023-12', to: '2026-11' };
const CHICAGO = { time_zone: 'America/Chicago' };

/** What the dashboard's panels ask: of a month, of a year, and of all there is. */
const QUESTIONS: Readonly<Record<string, Readonly<Record<string, string>>>> = Object.fromEntries(
  Object.entries({ month: MONTH, year: YEAR, all: ALL }).flatMap(([name, period]) =>
    Object.entries({
      totals: {
        metric: 'views,downloads,visitors,bytes,unique_investigations,unique_requests,uploads',
        compare: 'before',
      },
      'by day': { metric: 'views,downloads,visitors', by: name === 'month' ? 'day' : 'month' },
      'by day, there': { metric: 'views,downloads,visitors', by: name === 'month' ? 'day' : 'month', ...CHICAGO },
      'top datasets': { metric: 'investigations,unique_investigations,requests', by: 'dataset', top: '10' },
      'by class of client': { metric: 'views,downloads', by: 'client' },
      'by reason': { metric: 'views,downloads', by: 'reason' },
      'by file type': { metric: 'downloads,bytes', by: 'content_type', top: '10' },
      'by country': { metric: 'visitors,views', by: 'country', top: '10' },
      'by referrer': { metric: 'views', by: 'referrer', top: '10' },
      'top files': { metric: 'downloads,views,bytes', by: 'resource', top: '10' },
      'top users': { metric: 'views,downloads', by: 'user', top: '10' },
      'by space': { metric: 'views,downloads', by: 'space', top: '10' },
      'one dataset': { metric: 'views,downloads,visitors', by: 'month', dataset: 'dataset-7' },
      extractors: { metric: 'jobs,jobs_failed,wait_ms_p50,run_ms_p95', by: 'extractor' },
      uptime: { metric: 'uptime_percent,response_time_ms_p95', by: 'component' },
    }).map(([what, query]) => [`${name}: ${what}`, { ...period, ...query }] as const),
  ),
);

async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return Math.round(performance.now() - start);
}

const store = await openDuckdbStore({ path });
const questions: Record<string, number> = {};
for (const [name, query] of Object.entries(QUESTIONS))
  questions[name] = await timed(() => answerStats(store, statsQuery.parse(query), undefined, { named: true }));
const period = monthsPeriod('2026-10', '2026-10', 'UTC');
const report = await timed(() => figuresOf(store, { code: 'r51', period, zone: 'UTC' }));
const rssMiB = Math.round(Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]) / 1024);
await store.close();
console.log(JSON.stringify({ questions, report, rssMiB }));
