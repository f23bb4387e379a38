import { renameSync, writeFileSync } from 'node:fs';
import { pause } from '../runtime/config/values.ts';
import { useOutgoingProxy } from '../runtime/outgoing-proxy.ts';
import { systemClock } from '../runtime/sending/clock.ts';
import { clowderCatalog } from '../usage/catalog/clowder.ts';
import { storedCatalog } from '../usage/catalog/catalog-table.ts';
import { fetchCatalog } from '../usage/catalog/fetch-catalog.ts';
import { paced } from '../usage/catalog/pace.ts';
import { restatements } from '../usage/reports/restatements.ts';
import type { UsageStore } from '../usage/store/usage-store.ts';
import type { GlobalOptions } from './global-options.ts';
import { printRows } from './output.ts';
import { progress } from './progress.ts';
import { storeSettingsOf, UsageError } from './settings.ts';
import { openStore } from './usage.ts';

interface Fetch {
  readonly maxAge: string;
  readonly rate: number;
  readonly concurrent: number;
  readonly out?: string;
}

/** `usage catalog fetch`. @throws Error if Clowder does not answer, or fails for some datasets */
export async function fetchUsageCatalog(
  options: GlobalOptions,
  { maxAge, rate, concurrent, out }: Fetch,
): Promise<void> {
  const settings = storeSettingsOf(options);
  const { CATALOG_URL: url, CLOWDER_VERSION: version } = settings;
  if (url === undefined)
    throw new UsageError('CATALOG_URL is not set: it says where Clowder is, such as https://clowder.example.org');
  if (version === 'auto')
    throw new UsageError('CLOWDER_VERSION was auto; must be v1 or v2 here, to know whose API to ask');
  const maxAgeMs = pause.parse(maxAge);
  if (maxAgeMs === undefined) throw new UsageError(`--max-age was ${maxAge}; may be ${pause.mayBe}`);
  useOutgoingProxy(process.env);
  const stop = new AbortController();
  await using store = disposable(await openStore(settings));
  const shown = progress('datasets');
  const fetched = await fetchCatalog({
    store: store.it,
    clowder: clowderCatalog({
      url: url.replace(/\/+$/, ''),
      apiKey: settings.CATALOG_API_KEY,
      version,
      turn: paced(rate, systemClock, stop.signal),
      now: Date.now,
    }),
    maxAgeMs,
    concurrent,
    clock: systemClock,
    random: Math.random,
    signal: stop.signal,
    onProgress: (done, total) => shown.update(done, { part: done, total }),
  }).finally(() => shown.end());
  if (out !== undefined) await writeCatalog(store.it, out);
  printRows([{ ...fetched }], Object.keys(fetched));
  if (fetched.failed > 0)
    throw new Error(`Clowder failed over ${fetched.failed} datasets: run it again, which asks only for those`);
}

/** `usage catalog export` */
export async function exportUsageCatalog(options: GlobalOptions, { out }: { out: string }): Promise<void> {
  await using store = disposable(await openStore(storeSettingsOf(options)));
  printRows([{ file: out, datasets: await writeCatalog(store.it, out) }], ['file', 'datasets']);
}

/** `usage restatements` */
export async function listRestatements(options: GlobalOptions): Promise<void> {
  await using store = disposable(await openStore(storeSettingsOf(options)));
  printRows(await restatements(store.it), [
    'month',
    'code',
    'dataset',
    'access',
    'metric',
    'before',
    'after',
    'why',
    'reported',
    'restated',
  ]);
}

/** Writes what `--catalog` of a report reads; replaces the file completely or not at all. */
async function writeCatalog(store: UsageStore, out: string): Promise<number> {
  const entries = [...(await storedCatalog(store)).values()];
  const unfinished = `${out}.unfinished`;
  writeFileSync(unfinished, entries.map((entry) => `${JSON.stringify(entry)}\n`).join(''));
  renameSync(unfinished, out);
  return entries.length;
}

const disposable = (store: UsageStore): { readonly it: UsageStore } & AsyncDisposable => ({
  it: store,
  [Symbol.asyncDispose]: () => store.close(),
});
