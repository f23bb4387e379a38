import { startCollector } from '../collector/service.ts';
import type { GlobalOptions } from './program.ts';
import { settingsOf } from './settings.ts';

/** `collector`: runs until SIGTERM or SIGINT, then finishes what is in flight and exits 0. */
export async function runCollector(options: GlobalOptions): Promise<void> {
  const collector = await startCollector(settingsOf(options));
  const stop = (): void => {
    collector.stop().then(
      () => process.exit(0),
      () => process.exit(1),
    );
  };
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
}
