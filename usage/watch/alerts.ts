import type { UsageAlert } from '../ask/messages.ts';
import { literals } from '../rules/dialect.ts';
import { typesOf } from '../rules/roles.ts';
import { HOUR_MS } from '../rules/time-zone.ts';
import type { UsageStore } from '../store/usage-store.ts';
import { jumpedOf, type Jumped, type Part } from './jumped.ts';
import { stoppedOf, type Series, type Stopped } from './stopped.ts';

/** Four weeks and a day: the longest look back. */
const LOOKED_AT_HOURS = (4 * 7 + 1) * 24;
const LOOKS = literals(typesOf('view', 'download'));

/**
 * What is no longer counted, or suddenly counted differently.
 *
 * @param countedUntilMs the store holds everything accepted until then
 */
export async function alertsOf(store: UsageStore, countedUntilMs: number): Promise<readonly UsageAlert[]> {
  const endHour = Math.floor(countedUntilMs / HOUR_MS);
  const period = { fromMs: (endHour - LOOKED_AT_HOURS) * HOUR_MS, toMs: endHour * HOUR_MS };
  const { firstMs } = await store.contents();
  if (firstMs === undefined) return [];
  return [
    ...stoppedOf(await seriesOf(store, period), endHour, Math.ceil(firstMs / HOUR_MS)).map(stoppedAlert),
    ...jumpedOf(await partsOf(store, period), endHour).map(jumpedAlert),
  ];
}

interface Period {
  readonly fromMs: number;
  readonly toMs: number;
}

/** Each event type, each source, and all events, as far as there were any. */
async function seriesOf(store: UsageStore, period: Period): Promise<readonly Series[]> {
  const hour = store.engine.dialect.quotient('e.created', HOUR_MS);
  const rows = await store.engine.query<{ type: string; source: string | null; hour: number; n: number }>(
    `SELECT e.event AS type, e.source AS source, ${hour} AS hour, count(*) AS n FROM ${store.events(period)} e GROUP BY 1, 2, 3`,
  );
  const found = new Map<string, { kind: Series['kind']; name: string; hours: Map<number, number> }>();
  const add = (kind: Series['kind'], name: string, at: number, n: number): void => {
    const key = `${kind} ${name}`;
    const series = found.get(key) ?? { kind, name, hours: new Map<number, number>() };
    series.hours.set(at, (series.hours.get(at) ?? 0) + n);
    found.set(key, series);
  };
  for (const { type, source, hour: at, n } of rows) {
    add('type', type, at, n);
    if (source !== null) add('source', source, at, n);
    add('all', 'events', at, n);
  }
  return [...found.values()];
}

async function partsOf(store: UsageStore, period: Period): Promise<readonly Part[]> {
  const hour = store.engine.dialect.quotient('v.created', HOUR_MS);
  const rows = await store.engine.query<{ hour: number; looks: number; bots: number; files: number; lost: number }>(
    `SELECT ${hour} AS hour, count(*) AS looks,
       count(*) FILTER (WHERE reason IN ('bot', 'ai_agent')) AS bots,
       count(*) FILTER (WHERE reason = 'counted' AND resource_type = 'file') AS files,
       count(*) FILTER (WHERE reason = 'counted' AND attribution = 'unattributed') AS lost
     FROM ${await store.verdicts({ period, zone: 'UTC', code: 'r51' })} v WHERE event IN (${LOOKS}) GROUP BY 1`,
  );
  const hoursOf = (name: 'looks' | 'bots' | 'files' | 'lost'): Map<number, number> =>
    new Map(rows.map((row) => [row.hour, row[name]]));
  return [
    { name: 'bots', part: hoursOf('bots'), whole: hoursOf('looks') },
    { name: 'unattributed', part: hoursOf('lost'), whole: hoursOf('files') },
  ];
}

const OF_KIND = {
  type: (name) => `No ${name} event has come`,
  source: (name) => `Nothing has come from the source ${name}`,
  all: () => 'No event at all has come',
} as const satisfies Record<Series['kind'], (name: string) => string>;

const stoppedAlert = ({ kind, name, hours, expected }: Stopped): UsageAlert => ({
  kind: kind === 'all' ? 'all_stopped' : `${kind}_stopped`,
  name,
  text: `${OF_KIND[kind](name)} for ${hours} h; about ${Math.round(expected)} were expected, by the same hours of the weeks before`,
});

const OF_PART = {
  bots: 'The share of robots among views and downloads',
  unattributed: 'The share of views and downloads of files whose dataset is not known',
} as const satisfies Record<Part['name'], string>;

const jumpedAlert = ({ name, share, before }: Jumped): UsageAlert => ({
  kind: `${name}_jumped`,
  name,
  text: `${OF_PART[name]} is ${percent(share)} in the last 24 hours, and was ${percent(before)} on the same days of the weeks before`,
});

const percent = (share: number): string => `${Math.round(share * 100)} %`;
