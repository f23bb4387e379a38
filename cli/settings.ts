import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { checkGrpc, loadSettings, loadStoreSettings, type Settings, type StoreSettings } from '../collector/config.ts';
import { checkBrokers } from '../runtime/amqp/broker-settings.ts';
import type { GlobalOptions } from './global-options.ts';

/** Settings from the environment and from `--config`, checked together. */
export function settingsOf(options: GlobalOptions): Settings {
  return loadSettings(process.env, options.config, [checkBrokers, checkGrpc]);
}

/** The settings that commands of the usage store need. */
export const storeSettingsOf = (options: GlobalOptions): StoreSettings =>
  loadStoreSettings(process.env, options.config);

/** A mistake in how a command was called: exit code 2. */
export class UsageError extends Error {
  readonly code = 'wrong_usage';
  override readonly name = 'UsageError';
}

/** @throws UsageError if DATA_DIR holds no journal */
export function requireJournal(settings: Settings): void {
  if (existsSync(join(settings.DATA_DIR, 'journal.db'))) return;
  throw new UsageError(
    `DATA_DIR ${settings.DATA_DIR} holds no journal: start the collector once, or set DATA_DIR to where it runs`,
  );
}
