import { keepEntries } from '../../../usage/catalog/catalog-table.ts';
import { statsQuery } from '../../../usage/ask/question.ts';
import { answerStats } from '../../../usage/stats/answer.ts';
import type { StoredEvent } from '../../../usage/store/columns.ts';
import type { UsageStore } from '../../../usage/store/usage-store.ts';
import { download, event, page } from './cases.ts';

const see = (resource_type: string, time: string, resource_id: string, fields: Record<string, string>): StoredEvent =>
  event('view.resource', time, { resource_type, resource_id, user_id: 'ana', ...fields });

/**
 * October 2026 with earlier and later events: d1 was renamed twice, d2 is known only through its file, d3 is in the catalog,
 * and d4 has no known name.
 */
const EVENTS: readonly StoredEvent[] = [
  page('2026-10-05T10:00:00Z', { user_id: 'ana', user_name: 'Ana A.', resource_name: 'Soil', space_id: 's1' }, 'd1'),
  page('2026-10-06T10:00:00Z', { user_id: 'ben', resource_name: "Soil of '26" }, 'd1'),
  page('2026-10-07T10:00:00Z', { user_id: 'ana' }, 'd1'),
  page('2026-11-02T10:00:00Z', { user_id: 'ana', user_name: 'Ana B.', resource_name: 'Soil, 2nd edition' }, 'd1'),
  download('2026-09-05T10:00:00Z', { user_id: 'ana', resource_name: 'old.csv', dataset_name: 'Wet' }, 'f1', 'd2'),
  download('2026-10-05T11:00:00Z', { user_id: 'ana', resource_name: 'a.csv', dataset_name: 'Water' }, 'f1', 'd2'),
  page('2026-10-05T12:00:00Z', { user_id: 'ana', resource_name: 'draft 7' }, 'd3'),
  page('2026-10-05T13:00:00Z', { user_id: 'ana' }, 'd4'),
  see('space', '2026-10-05T14:00:00Z', 's1', { resource_name: 'Lab' }),
  see('collection', '2026-10-05T15:00:00Z', 'c1', { resource_name: 'Maps' }),
];

/** Names for each dimension of October's figures. */
export const NAMES: readonly (readonly [title: string, by: string, names: Record<string, string> | undefined])[] = [
  [
    'a dataset has the title of the catalog, else the latest of its own events, else what events of its files tell',
    'dataset',
    { d1: 'Soil, 2nd edition', d2: 'Water', d3: 'Air' },
  ],
  [
    'a resource has the title of the catalog, else the latest name',
    'resource',
    { d1: 'Soil, 2nd edition', f1: 'a.csv', d3: 'Air', s1: 'Lab', c1: 'Maps' },
  ],
  ['a space has the name of its page', 'space', { s1: 'Lab' }],
  ['a collection has the name of its page', 'collection', { c1: 'Maps' }],
  ['a user has the latest name, and nobody tells the name of ben', 'user', { ana: 'Ana B.' }],
  ['all that figures are divided by have names', 'day,collection,user', { c1: 'Maps', ana: 'Ana B.' }],
  ['what has no name beside its id has none', 'type,content_type', undefined],
  ['totals have none', '', undefined],
];

/** Fills a store with the data behind `NAMES`. */
export async function fillNamed(store: UsageStore): Promise<void> {
  await store.ingest(EVENTS);
  const kept = { state: 'found', etag: null, fetchedMs: 0 } as const;
  await keepEntries(store, [
    { id: 'd3', entry: '{"dataset_id":"d3","title":"Air"}', ...kept },
    { id: 'd1', entry: '{"dataset_id":"d1"}', ...kept },
    { id: 'd4', ...kept, entry: null, state: 'gone' },
  ]);
}

export async function namesBy(
  store: UsageStore,
  by: string,
  more: Record<string, string> = {},
  named = true,
): Promise<Record<string, string> | undefined> {
  const query = statsQuery.parse({ metric: 'views,downloads', by, from: '2026-10', to: '2026-10', ...more });
  return (await answerStats(store, query, undefined, { named })).names;
}
