import { existsSync, renameSync, writeFileSync } from 'node:fs';
import { isPostgres } from '../usage/ask/settings.ts';
import { dirname } from 'node:path';
import { openArchiveStore } from '../usage/input/archive-store.ts';
import { readCatalog } from '../usage/reports/catalog.ts';
import { loadSite } from '../usage/reports/settings.ts';
import { planOf, reportText } from '../usage/reports/write-report.ts';
import type { UsageStore } from '../usage/store/usage-store.ts';
import type { GlobalOptions } from './global-options.ts';
import { progress } from './output.ts';
import type { ReportOptions } from './report-flags.ts';
import { settingsOf, UsageError } from './settings.ts';
import { openStore, placeOf } from './usage.ts';

/** `report KIND`: to standard output or a file; what is missing in it, to standard error. */
export async function writeReport(options: GlobalOptions, kind: string, given: ReportOptions): Promise<void> {
  const site = loadSite(process.env, options.config);
  if (given.out !== undefined && !existsSync(dirname(given.out)))
    throw new UsageError(`--out was ${given.out}: there is no directory ${dirname(given.out)}`);
  const plan = planOf({ kind, ...given }, site, Date.now());
  const catalog = given.catalog === undefined ? undefined : await readCatalog(given.catalog);
  const { text, notes } = await withStore(options, given.events, (store) => reportText(plan, store, site, catalog));
  if (given.out === undefined) process.stdout.write(text);
  else replaceFile(given.out, text);
  for (const note of notes) process.stderr.write(`${note}\n`);
}

/** Asks the store, or files of events, where some are named. */
async function withStore<T>(
  options: GlobalOptions,
  events: readonly string[] | undefined,
  ask: (store: UsageStore) => Promise<T>,
): Promise<T> {
  if (events === undefined) {
    const store = await openCounted(options);
    try {
      return await ask(store);
    } finally {
      await store.close();
    }
  }
  const shown = progress('events read');
  try {
    await using archive = await openArchiveStore(events, (read) => shown.update(read));
    return await ask(archive.store);
  } finally {
    shown.end();
  }
}

async function openCounted(options: GlobalOptions): Promise<UsageStore> {
  const settings = settingsOf(options);
  const place = placeOf(settings);
  if (!isPostgres(settings.USAGE_STORE) && !existsSync(place))
    throw new UsageError(
      `There is no usage store at ${place}: set DATA_DIR to where the collector runs, or name files of events with --events`,
    );
  return openStore(settings);
}

/** Whole, or as it was. */
function replaceFile(path: string, text: string): void {
  const unfinished = `${path}.unfinished`;
  writeFileSync(unfinished, text);
  renameSync(unfinished, path);
}
