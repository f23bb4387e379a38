import { isMonth } from '../usage/rules/time-zone.ts';
import { exportEvents, type ExportFormat } from '../usage/export.ts';
import type { OnProgress, UsageStore } from '../usage/store/usage-store.ts';
import type { GlobalOptions } from './global-options.ts';
import { printRows } from './output.ts';
import { progress } from './progress.ts';
import { storeSettingsOf, UsageError } from './settings.ts';
import { openStore } from './usage.ts';

interface Exported {
  readonly format: ExportFormat;
  readonly out: string;
  readonly from?: string;
  readonly to?: string;
}

/** `usage export` */
export async function exportUsage(options: GlobalOptions, { format, out, from, to }: Exported): Promise<void> {
  for (const [name, month] of Object.entries({ from, to }))
    if (month !== undefined && !isMonth(month))
      throw new UsageError(`--${name} was ${month}; may be a month, such as 2026-10`);
  await withStore(options, async (store) => {
    const events = await withProgress('events exported', (onProgress) =>
      exportEvents(store, { format, out, from, to, onProgress }),
    );
    printRows([{ file: out, events }], ['file', 'events']);
  });
}

/** `usage rebuild` */
export async function rebuildUsage(options: GlobalOptions): Promise<void> {
  await withStore(options, async (store) => {
    await withProgress('events judged', (onProgress) => store.rebuild(onProgress));
    const { events } = await store.contents();
    printRows([{ events }], ['events']);
  });
}

/** `usage forget` */
export async function forgetUser(options: GlobalOptions, { user }: { user: string }): Promise<void> {
  if (user.trim() === '')
    throw new UsageError('--user was empty; may be the id of a user, as events have it in user_id');
  await withStore(options, async (store) => {
    const named = await withProgress('events looked at', (onProgress) => store.forget(user, onProgress));
    printRows([{ 'events that named them': named }], ['events that named them']);
  });
}

async function withStore(options: GlobalOptions, work: (store: UsageStore) => Promise<void>): Promise<void> {
  const store = await openStore(storeSettingsOf(options));
  try {
    await work(store);
  } finally {
    await store.close();
  }
}

/** Shows rate, share and time left. */
async function withProgress<T>(label: string, work: (onProgress: OnProgress) => Promise<T>): Promise<T> {
  const shown = progress(label);
  try {
    return await work((done, total) => shown.update(done, { part: done, total }));
  } finally {
    shown.end();
  }
}
