import { hash } from 'node:crypto';
import type { Code } from '../rules/access.ts';
import { AI_AGENTS } from '../rules/ai-agents.ts';
import { literal } from '../rules/dialect.ts';
import { factsSql } from '../rules/facts.ts';
import { DEFAULT_POLICY, POLICY_MARK } from '../rules/policy.ts';
import { COUNTER_METRICS, type CounterMetric } from '../rules/metrics.ts';
import { ROBOTS } from '../rules/robots.ts';
import { monthsPeriod } from '../rules/time-zone.ts';
import { verdictSql } from '../rules/verdict.ts';
import { duckdbDialect } from '../store/duckdb/dialect.ts';
import type { AnswerRow } from '../store/engine.ts';
import type { UsageStore } from '../store/usage-store.ts';
import { compare, type Figure } from './figures.ts';
import { isoTime } from './request.ts';

/** Why a figure differs from the reported one. */
const CAUSES = {
  events: 'events of the month came or went after it was reported',
  rules: 'it is counted by other rules or lists',
  catalog: 'the catalog has files in other datasets',
  placement: 'events of other months placed files in datasets, or a user was forgotten',
} as const;
type Cause = keyof typeof CAUSES;

/** A reported month whose figures have changed. */
export interface Restated {
  readonly month: string;
  /** Time of the last report, in Unix milliseconds. */
  readonly reportedMs: number;
  readonly figures: number;
  readonly datasets: number;
  readonly causes: readonly Cause[];
}

/** A changed figure. */
export type Restatement = {
  readonly code: string;
  readonly month: string;
  readonly zone: string;
  readonly dataset: string;
  readonly access: string;
  readonly metric: string;
  readonly before: number;
  readonly after: number;
  readonly why: string;
  readonly reported: string;
  readonly restated: string;
};

export interface Reported {
  readonly code: Code;
  readonly zone: string;
  /** Complete months only. */
  readonly months: readonly string[];
  readonly figures: readonly Figure[];
  readonly nowMs: number;
}

/** Everything that can make figures differ. */
interface Basis {
  readonly rules: string;
  readonly catalog: string;
  readonly events: number;
}

const ROWS_AT_ONCE = 1000;

/**
 * Stores the figures of months as reported. If a month was reported before, each figure that differs is logged, with the
 * reason.
 */
export async function keepReported(store: UsageStore, reported: Reported): Promise<readonly Restated[]> {
  const restated: Restated[] = [];
  for (const month of reported.months) {
    const one = await keepMonth(store, reported, month);
    if (one !== undefined) restated.push(one);
  }
  return restated;
}

async function keepMonth(store: UsageStore, reported: Reported, month: string): Promise<Restated | undefined> {
  const { code, zone, nowMs } = reported;
  const { engine } = store;
  const table = engine.dialect.table;
  const ofMonth = `code = ${literal(code)} AND zone = ${literal(zone)} AND month = ${literal(month)}`;
  const basis = await basisOf(store, reported, month);
  const [known] = await engine.query<Basis & { readonly reported_ms: number } & AnswerRow>(
    `SELECT reported_ms, rules, catalog, events FROM ${table('reported_months')} WHERE ${ofMonth}`,
  );
  const now = countsOf(reported.figures.filter((figure) => figure.month === month));
  const changed = known === undefined ? [] : changesOf(await keptCounts(store, ofMonth), now);
  const isSame = known !== undefined && changed.length === 0;
  if (isSame && known.rules === basis.rules && known.catalog === basis.catalog && known.events === basis.events)
    return undefined;
  const causes = known === undefined ? [] : causesOf(known, basis);
  const key = `${literal(code)}, ${literal(zone)}, ${literal(month)}`;
  await engine.run(
    ...insertSql(
      `${table('restatements')} (code, zone, month, reported_ms, restated_ms, dataset_id, access, metric, before_n, after_n, why)`,
      changed.map(
        ({ place, before, after }) =>
          `(${key}, ${known?.reported_ms}, ${nowMs}, ${placeSql(place)}, ${before}, ${after}, ${literal(causes.join(' '))})`,
      ),
    ),
    ...(isSame
      ? []
      : [
          `DELETE FROM ${table('reported_figures')} WHERE ${ofMonth}`,
          ...insertSql(
            `${table('reported_figures')} (code, zone, month, dataset_id, access, metric, n)`,
            [...now].map(([place, n]) => `(${key}, ${placeSql(place)}, ${n})`),
          ),
        ]),
    `DELETE FROM ${table('reported_months')} WHERE ${ofMonth}`,
    `INSERT INTO ${table('reported_months')} (code, zone, month, reported_ms, rules, catalog, events)
     VALUES (${key}, ${nowMs}, ${literal(basis.rules)}, ${literal(basis.catalog)}, ${basis.events})`,
  );
  if (known === undefined || changed.length === 0) return undefined;
  const datasets = new Set(changed.map(({ place }) => partsOf(place)[0])).size;
  return { month, reportedMs: known.reported_ms, figures: changed.length, datasets, causes };
}

/** The log, latest first. */
export async function restatements({ engine }: UsageStore): Promise<readonly Restatement[]> {
  const rows = await engine.query<Record<string, string | number>>(
    `SELECT code, month, zone, dataset_id, access, metric, before_n, after_n, why, reported_ms, restated_ms
     FROM ${engine.dialect.table('restatements')} ORDER BY restated_ms DESC, month, code, dataset_id, access, metric`,
  );
  const time = (ms: unknown): string => isoTime(Number(ms));
  return rows.map((row) => ({
    code: String(row['code']),
    month: String(row['month']),
    zone: String(row['zone']),
    dataset: String(row['dataset_id']),
    access: String(row['access']),
    metric: String(row['metric']),
    before: Number(row['before_n']),
    after: Number(row['after_n']),
    why: String(row['why']),
    reported: time(row['reported_ms']),
    restated: time(row['restated_ms']),
  }));
}

/** The change in a sentence. */
export const restatedText = ({ month, reportedMs, figures, datasets, causes }: Restated): string =>
  `${figures} figures of ${datasets} datasets in ${month} differ from those reported (${isoTime(reportedMs)}): ${causes.map((cause) => CAUSES[cause]).join('; ')}`;

async function basisOf(store: UsageStore, { code, zone }: Reported, month: string): Promise<Basis> {
  const { engine } = store;
  const period = monthsPeriod(month, month, zone);
  const [files] = await engine.query<{ catalog: string | null }>(
    `SELECT md5(string_agg(file_id || ' ' || dataset_id, ',' ORDER BY file_id)) AS catalog FROM ${engine.dialect.table('catalog_files')}`,
  );
  const [events] = await engine.query<{ n: number }>(`SELECT count(*) AS n FROM ${store.events(period)} e`);
  const rules = rulesOf(code, (await store.mark(POLICY_MARK)) ?? '');
  return { rules, catalog: files?.catalog ?? '', events: events?.n ?? 0 };
}

/** Hash of the rules' SQL for a fixed engine, period and zone: other rules have another text. */
function rulesOf(code: Code, policy: string): string {
  const period = { fromMs: 0, toMs: 0 };
  const texts = [policy, factsSql(duckdbDialect, period, DEFAULT_POLICY), verdictSql(duckdbDialect, 'facts', { period, zone: 'UTC', code }), ...ROBOTS, ...AI_AGENTS]; // prettier-ignore
  return hash('sha256', texts.join('\n'), 'hex').slice(0, 16);
}

function causesOf(before: Basis, now: Basis): readonly Cause[] {
  const causes: Cause[] = (['events', 'rules', 'catalog'] as const).filter((name) => before[name] !== now[name]);
  return causes.length === 0 ? ['placement'] : causes;
}

/** Counts by dataset, access method and metric, which together form one text as key. */
type Counts = ReadonlyMap<string, number>;
const placeOf = (dataset: string, access: string, metric: string): string => JSON.stringify([dataset, access, metric]);
const partsOf = (place: string): readonly string[] => JSON.parse(place) as readonly string[];
const placeSql = (place: string): string => partsOf(place).map(literal).join(', ');

function countsOf(figures: readonly Figure[]): Counts {
  const counts = new Map<string, number>();
  for (const figure of figures)
    for (const metric of COUNTER_METRICS)
      if (figure[metric] > 0) counts.set(placeOf(figure.dataset, figure.access, metric), figure[metric]);
  return counts;
}

async function keptCounts({ engine }: UsageStore, where: string): Promise<Counts> {
  const rows = await engine.query<{ dataset_id: string; access: string; metric: CounterMetric; n: number }>(
    `SELECT dataset_id, access, metric, n FROM ${engine.dialect.table('reported_figures')} WHERE ${where}`,
  );
  return new Map(rows.map(({ dataset_id: dataset, access, metric, n }) => [placeOf(dataset, access, metric), n]));
}

interface Change {
  readonly place: string;
  readonly before: number;
  readonly after: number;
}

function changesOf(before: Counts, now: Counts): readonly Change[] {
  return [...new Set([...before.keys(), ...now.keys()])]
    .map((place) => ({ place, before: before.get(place) ?? 0, after: now.get(place) ?? 0 }))
    .filter((change) => change.before !== change.after)
    .toSorted((a, b) => compare(a.place, b.place));
}

function insertSql(into: string, rows: readonly string[]): readonly string[] {
  return Array.from(
    { length: Math.ceil(rows.length / ROWS_AT_ONCE) },
    (_, index) =>
      `INSERT INTO ${into} VALUES ${rows.slice(index * ROWS_AT_ONCE, (index + 1) * ROWS_AT_ONCE).join(', ')}`,
  );
}
