import { setFlagsFromString } from 'node:v8';
import { startCollector } from '../collector/collector.ts';
import { forkUsage } from '../collector/usage/fork-usage.ts';
import { stopOnSignal } from '../runtime/stop-on-signal.ts';
import { deadLettersOf } from './dead-letters.ts';
import type { GlobalOptions } from './global-options.ts';
import { settingsOf } from './settings.ts';

/**
 * How much the memory of what is no longer used may grow before it is collected, in percent of what is: V8 would let several
 * times as much lie about while a backlog is published.
 */
const GROWING_PERCENT = 50;

/** `collector`: runs until SIGTERM or SIGINT, then finishes what is in flight and exits 0. */
export async function runCollector(options: GlobalOptions): Promise<void> {
  setFlagsFromString(`--heap-growing-percent=${GROWING_PERCENT}`);
  const settings = settingsOf(options);
  const collector = await startCollector(settings, {
    startUsage: settings.USAGE ? () => forkUsage(options) : undefined,
    deadLetters: deadLettersOf(settings),
  });
  stopOnSignal(() => collector.stop());
}
