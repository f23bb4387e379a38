import { existsSync, renameSync, writeFileSync } from 'node:fs';
import { isPostgres } from '../usage/ask/settings.ts';
import { dirname } from 'node:path';
import { openArchiveStore } from '../usage/input/archive-store.ts';
import { readCatalog } from '../usage/catalog/catalog.ts';
import { makeReport } from '../usage/reports/report.ts';
import { createHub } from '../usage/push/hub.ts';
import { partsOf, type HubReport } from '../usage/push/parts.ts';
import { pushReport } from '../usage/push/push-report.ts';
import { useOutgoingProxy } from '../runtime/outgoing-proxy.ts';
import { systemClock } from '../runtime/sending/clock.ts';
import { loadSite } from '../usage/reports/settings.ts';
import { planOf, reportText } from '../usage/reports/write-report.ts';
import type { UsageStore } from '../usage/store/usage-store.ts';
import type { GlobalOptions } from './global-options.ts';
import { printRows } from './output.ts';
import { progress } from './progress.ts';
import type { PushOptions, ReportOptions } from './report-options.ts';
import { storeSettingsOf, UsageError } from './settings.ts';
import { judgingOf, openStore, placeOf } from './usage.ts';

/** `report KIND`: writes the report to standard output or a file, and notes on what it lacks to standard error. */
export async function writeReport(options: GlobalOptions, kind: string, given: ReportOptions): Promise<void> {
  const site = loadSite(process.env, options.config);
  if (given.out !== undefined && !existsSync(dirname(given.out)))
    throw new UsageError(`--out was ${given.out}: there is no directory ${dirname(given.out)}`);
  const plan = planOf({ kind, ...given }, site, Date.now());
  const catalog = given.catalog === undefined ? undefined : await readCatalog(given.catalog);
  // A report from files says nothing about this site's store.
  const reportedMs = given.events === undefined ? Date.now() : undefined;
  const { text, notes } = await withStore(options, given.events, (store) =>
    reportText(plan, store, site, { catalog, reportedMs }),
  );
  if (given.out === undefined) process.stdout.write(text);
  else replaceFile(given.out, text);
  for (const note of notes) process.stderr.write(`${note}\n`);
}

/** `report push`: sends a month's dataset report to DataCite's hub. */
export async function pushMonth(options: GlobalOptions, given: PushOptions): Promise<void> {
  const site = loadSite(process.env, options.config);
  const { url, token } = site.hub;
  if (token === undefined)
    throw new UsageError("REPORT_HUB_TOKEN is not set: it is your repository's token at the hub");
  const plan = planOf({ ...given, kind: 'rd1', format: 'json' }, site, Date.now());
  const [month = ''] = plan.request.months;
  const catalog = given.catalog === undefined ? undefined : await readCatalog(given.catalog);
  useOutgoingProxy(process.env);
  const stop = new AbortController();
  const store = await openCounted(options);
  try {
    const made = await makeReport({ store, request: plan.request, site, catalog, reportedMs: Date.now() });
    const hub = createHub({ url, token, clock: systemClock, random: Math.random, signal: stop.signal });
    for (const note of made.notes) process.stderr.write(`${note}\n`);
    const pushed = await pushReport(store, hub, month, partsOf(made.report.json as HubReport), given.id);
    printRows([{ month, ...pushed }], ['month', 'what', 'id', 'parts']);
  } finally {
    await store.close();
  }
}

/** Asks the files of events if some are named, otherwise the store. */
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
  const shown = progress('lines read');
  try {
    await using archive = await openArchiveStore(
      events,
      (read) => shown.update(read),
      judgingOf(storeSettingsOf(options)),
    );
    return await ask(archive.store);
  } finally {
    shown.end();
  }
}

async function openCounted(options: GlobalOptions): Promise<UsageStore> {
  const settings = storeSettingsOf(options);
  const place = placeOf(settings);
  if (!isPostgres(settings.USAGE_STORE) && !existsSync(place))
    throw new UsageError(
      `There is no usage store at ${place}: set DATA_DIR to where the collector runs, or name files of events with --events`,
    );
  return openStore(settings);
}

/** Replaces the file completely or not at all. */
function replaceFile(path: string, text: string): void {
  const unfinished = `${path}.unfinished`;
  writeFileSync(unfinished, text);
  renameSync(unfinished, path);
}
