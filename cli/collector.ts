import { startCollector } from '../collector/collector.ts';
import { forkUsage } from '../collector/usage/fork-usage.ts';
import { stopOnSignal } from '../runtime/stop-on-signal.ts';
import { deadLettersOf } from './dead-letters.ts';
import type { GlobalOptions } from './global-options.ts';
import { settingsOf } from './settings.ts';

/** `collector`: runs until SIGTERM or SIGINT, then finishes what is in flight and exits 0. */
export async function runCollector(options: GlobalOptions): Promise<void> {
  const settings = settingsOf(options);
  const collector = await startCollector(settings, {
    startUsage: settings.USAGE ? () => forkUsage(options) : undefined,
    deadLetters: deadLettersOf(settings),
  });
  stopOnSignal(() => collector.stop());
}
