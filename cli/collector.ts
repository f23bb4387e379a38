import { startCollector } from '../collector/collector.ts';
import type { GlobalOptions } from './global-options.ts';
import { settingsOf } from './settings.ts';
import { stopOnSignal } from '../runtime/stop-on-signal.ts';

/** `collector`: runs until SIGTERM or SIGINT, then finishes what is in flight and exits 0. */
export async function runCollector(options: GlobalOptions): Promise<void> {
  const collector = await startCollector(settingsOf(options));
  stopOnSignal(() => collector.stop());
}
