import { join } from 'node:path';
import type { StoreSettings } from '../collector/config.ts';
import { openJournalReader } from '../collector/journal/journal.ts';
import { createLog, type Logger } from '../runtime/logging.ts';
import { systemClock } from '../runtime/sending/clock.ts';
import { stopOnSignal } from '../runtime/stop-on-signal.ts';
import { isPostgres } from '../usage/ask/settings.ts';
import type { FromUsage, ToUsage } from '../usage/ask/messages.ts';
import { openCountries } from '../usage/countries.ts';
import type { Countries } from '../usage/rules/addresses.ts';
import { policyOf, type Policy } from '../usage/rules/policy.ts';
import { letOthersFirst } from '../usage/process/priority.ts';
import { runUsage, type Asker } from '../usage/process/run.ts';
import { loadSite } from '../usage/reports/settings.ts';
import { reachUsageStore } from '../usage/share/reach-store.ts';
import { serveStore, type SharedStore } from '../usage/share/serve-store.ts';
import { openUsageStore, type StorePlace } from '../usage/store/open.ts';
import type { UsageStore } from '../usage/store/usage-store.ts';
import type { GlobalOptions } from './global-options.ts';
import { requireJournal, settingsOf } from './settings.ts';

/** `usage`: counts until SIGTERM or SIGINT. The collector starts it as a child and asks it over their channel. */
export async function countUsage(options: GlobalOptions): Promise<void> {
  const settings = settingsOf(options);
  const log = await createLog('clowder-otel-usage', { level: settings.LOG_LEVEL, format: settings.LOG_FORMAT });
  letOthersFirst();
  // Files that the store writes beside its own must be as private.
  process.umask(0o077);
  const isChild = process.send !== undefined;
  const follows = !isPostgres(settings.USAGE_STORE);
  if (follows) requireJournal(settings);
  const store = await openUsageStore(storeOf(settings));
  const shared = follows ? await shareStore(store, settings, log) : undefined;
  const source = follows ? openJournalReader(settings.DATA_DIR) : undefined;
  const running = runUsage({
    store,
    source,
    asker: askerOf(process),
    retentionMonths: settings.USAGE_RETENTION_MONTHS,
    site: () => loadSite(process.env, options.config),
    clock: systemClock,
    log,
  });
  log.info({ store: follows ? placeOf(settings) : 'postgresql' }, 'counting usage');
  stopOnSignal(async () => {
    await shared?.close();
    await running.stop();
  }, log);
  // Once the collector is gone, its successor needs the store. The collector may have gone during the start.
  if (isChild && !process.connected) process.emit('SIGTERM');
  process.once('disconnect', () => process.emit('SIGTERM'));
}

export const placeOf = ({ USAGE_STORE, DATA_DIR }: Pick<StoreSettings, 'USAGE_STORE' | 'DATA_DIR'>): string =>
  USAGE_STORE ?? join(DATA_DIR, 'usage.duckdb');

const storeOf = (settings: StoreSettings): StorePlace => ({
  place: placeOf(settings),
  memoryBytes: settings.USAGE_MEMORY_BYTES,
  schema: settings.USAGE_POSTGRESQL_SCHEMA,
  ...judgingOf(settings),
});

/** Opens the store for a command, or reaches it through the process that has it open. @throws Error that says what to do */
export const openStore = (settings: StoreSettings): Promise<UsageStore> =>
  reachUsageStore(storeOf(settings), systemClock);

/** Lets commands use the store that this process has open. If that fails, counting goes on. */
async function shareStore(store: UsageStore, settings: StoreSettings, log: Logger): Promise<SharedStore | undefined> {
  try {
    return await serveStore(store, placeOf(settings));
  } catch (error) {
    log.error({ err: error }, 'commands such as "report" cannot ask while this process runs');
    return undefined;
  }
}

/** The site's rules for counting. @throws ConfigError */
export function judgingOf(settings: StoreSettings): { policy: Policy; countries?: Countries } {
  const file = settings.USAGE_COUNTRIES_FILE;
  return { policy: policyOf(settings), ...(file !== undefined && { countries: openCountries(file) }) };
}

/** The parent process, if it opened a channel. */
function askerOf(self: NodeJS.Process): Asker | undefined {
  if (self.send === undefined) return undefined;
  return {
    send: (message: FromUsage) => void (self.connected && self.send?.(message)),
    onMessage: (listener) => void self.on('message', (message) => listener(message as ToUsage)),
  };
}
