import { isMonth } from '../usage/rules/time-zone.ts';
import { exportEvents, type ExportFormat } from '../usage/export.ts';
import type { UsageStore } from '../usage/store/usage-store.ts';
import type { GlobalOptions } from './global-options.ts';
import { printRows, progress } from './output.ts';
import { settingsOf, UsageError } from './settings.ts';
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
    const shown = progress('events exported');
    const events = await exportEvents(store, { format, out, from, to, onProgress: (done) => shown.update(done) });
    shown.end();
    printRows([{ file: out, events }], ['file', 'events']);
  });
}

/** `usage rebuild` */
export async function rebuildUsage(options: GlobalOptions): Promise<void> {
  await withStore(options, async (store) => {
    await store.rebuild();
    const { events } = await store.contents();
    printRows([{ events }], ['events']);
  });
}

/** `usage forget` */
export async function forgetUser(options: GlobalOptions, { user }: { user: string }): Promise<void> {
  await withStore(options, async (store) => {
    printRows([{ 'events that named them': await store.forget(user) }], ['events that named them']);
  });
}

async function withStore(options: GlobalOptions, work: (store: UsageStore) => Promise<void>): Promise<void> {
  const store = await openStore(settingsOf(options));
  try {
    await work(store);
  } finally {
    await store.close();
  }
}
