import { counterSql, type CounterMetric } from '../../../usage/rules/metrics.ts';
import { monthsPeriod } from '../../../usage/rules/time-zone.ts';
import type { Code } from '../../../usage/rules/access.ts';
import type { UsageStore } from '../../../usage/store/usage-store.ts';
import type { Case, Counted } from './cases.ts';

type Asked = Pick<Case, 'month' | 'zone'>;

async function verdictsOf(store: UsageStore, { month = '2026-10', zone = 'UTC' }: Asked, code: Code): Promise<string> {
  return store.verdicts({ period: monthsPeriod(month, month, zone), zone, code });
}

/** What a store counts for a month by a Code, one row per access method. */
export async function countMonth(store: UsageStore, asked: Asked, code: Code): Promise<readonly Counted[]> {
  const sql = counterSql(await verdictsOf(store, asked, code), { access: 'access' });
  const rows = await store.engine.query<Record<CounterMetric, number> & { access: string }>(sql);
  return rows.map((row) => [
    row.access,
    row.total_investigations,
    row.unique_investigations,
    row.total_requests,
    row.unique_requests,
  ]);
}

/** Why events of a month are not counted, in order of their ids. */
export async function reasonsOf(store: UsageStore, asked: Asked, code: Code): Promise<readonly string[]> {
  const sql = `SELECT reason FROM ${await verdictsOf(store, asked, code)} v ORDER BY event_id`;
  return (await store.engine.query<{ reason: string }>(sql)).map(({ reason }) => reason);
}
