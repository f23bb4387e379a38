import { startCollector } from '../collector/collector.ts';
import { forkUsage } from '../collector/usage/fork-usage.ts';
import { limitHeapGrowth } from '../runtime/heap-growth.ts';
import { stopOnSignal } from '../runtime/stop-on-signal.ts';
import { deadLettersOf } from './dead-letters.ts';
import type { GlobalOptions } from './global-options.ts';
import { settingsOf } from './settings.ts';

/** Keeps the collector within 250 MiB while it publishes a backlog. */
const GROWING_PERCENT = 50;

/** `collector`: runs until SIGTERM or SIGINT, then finishes what is in flight and exits 0. */
export async function runCollector(options: GlobalOptions): Promise<void> {
  limitHeapGrowth(GROWING_PERCENT);
  const settings = settingsOf(options);
  const collector = await startCollector(settings, {
    startUsage: settings.USAGE ? () => forkUsage(options) : undefined,
    deadLetters: deadLettersOf(settings),
  });
  stopOnSignal(() => collector.stop());
}
