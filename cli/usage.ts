import { join } from 'node:path';
import type { Settings } from '../collector/config.ts';
import { openJournalReader } from '../collector/journal/journal.ts';
import { createLog } from '../runtime/logging.ts';
import { systemClock } from '../runtime/sending/clock.ts';
import { stopOnSignal } from '../runtime/stop-on-signal.ts';
import { isPostgres } from '../usage/ask/settings.ts';
import type { FromUsage, ToUsage } from '../usage/ask/messages.ts';
import { letOthersFirst } from '../usage/process/priority.ts';
import { runUsage, type Asker } from '../usage/process/run.ts';
import { openUsageStore } from '../usage/store/open.ts';
import type { UsageStore } from '../usage/store/usage-store.ts';
import type { GlobalOptions } from './global-options.ts';
import { requireJournal, settingsOf } from './settings.ts';

/** `usage`: counts until SIGTERM or SIGINT. The collector starts it so, and asks it over the channel between them. */
export async function countUsage(options: GlobalOptions): Promise<void> {
  const settings = settingsOf(options);
  const log = createLog('clowder-otel-usage', settings.LOG_LEVEL);
  letOthersFirst();
  const follows = !isPostgres(settings.USAGE_STORE);
  if (follows) requireJournal(settings);
  const store = await openStore(settings);
  const source = follows ? openJournalReader(settings.DATA_DIR) : undefined;
  const running = runUsage({
    store,
    source,
    asker: askerOf(process),
    retentionMonths: settings.USAGE_RETENTION_MONTHS,
    clock: systemClock,
    log,
  });
  log.info({ store: follows ? placeOf(settings) : 'postgresql' }, 'counting usage');
  // A collector that is gone asks nothing more, and starts another.
  process.once('disconnect', () => process.emit('SIGTERM'));
  stopOnSignal(() => running.stop(), log);
}

export const placeOf = ({ USAGE_STORE, DATA_DIR }: Settings): string => USAGE_STORE ?? join(DATA_DIR, 'usage.duckdb');

/** @throws Error that says what to do */
export async function openStore(settings: Settings): Promise<UsageStore> {
  return openUsageStore({
    place: placeOf(settings),
    memoryBytes: settings.USAGE_MEMORY_BYTES,
    schema: settings.USAGE_POSTGRESQL_SCHEMA,
  });
}

/** Whoever started this process with a channel. */
function askerOf(self: NodeJS.Process): Asker | undefined {
  if (self.send === undefined) return undefined;
  return {
    send: (message: FromUsage) => void (self.connected && self.send?.(message)),
    onMessage: (listener) => void self.on('message', (message) => listener(message as ToUsage)),
  };
}
