import type { Badge } from '../ask/badge.ts';
import { statsQuery } from '../ask/question.ts';
import { literal } from '../rules/dialect.ts';
import type { UsageStore } from '../store/usage-store.ts';
import { answerStats } from './answer.ts';

/** Before Clowder existed. */
const EVER = '2000-01-01';

/** A dataset's public counter; null unless the catalog says that the dataset is open to all. */
export async function badgeOf(
  store: UsageStore,
  dataset: string,
  nowMs: number,
  countedUntilMs: number | undefined,
): Promise<Badge | null> {
  const { engine } = store;
  const [known] = await engine.query(
    `SELECT is_open FROM ${engine.dialect.table('catalog_datasets')} WHERE dataset_id = ${literal(dataset)}`,
  );
  if (known?.['is_open'] !== true) return null;
  const query = statsQuery.parse({
    metric: 'views,downloads',
    from: EVER,
    to: new Date(nowMs).toISOString(),
  });
  const { totals, counted_until } = await answerStats(store, { ...query, dataset }, countedUntilMs);
  return { dataset, views: totals['views'] ?? 0, downloads: totals['downloads'] ?? 0, counted_until };
}
