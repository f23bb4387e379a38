import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { whyUnreadable } from '../runtime/config/blank.ts';
import type { Settings } from './config.ts';
import { isLoopbackHost } from './keys/auth.ts';
import { firstKeyProblems } from './keys/first-key.ts';
import { openKeyStore } from './keys/store.ts';

/**
 * What a start would refuse, besides settings that are invalid on their own: an unusable DATA_DIR, an invalid first key,
 * an address that is open to others without a key. Changes nothing.
 */
export function startProblems(settings: Partial<Settings>): readonly string[] {
  const { DATA_DIR: dir = 'data', HOST: host = '127.0.0.1' } = settings;
  const ofKey = firstKeyProblems(settings);
  const ofDir = dirProblems(dir);
  const hasFirstKey = (settings.CLOWDER_OTEL_FIRST_KEY ?? settings.CLOWDER_OTEL_FIRST_KEY_FILE) !== undefined;
  const isOpen = !isLoopbackHost(host) && !hasFirstKey && ofDir.length === 0 && !hasKeys(dir);
  return [
    ...ofKey,
    ...ofDir,
    ...(isOpen
      ? [
          `HOST was ${host} and no API key is made: run "clowder-otel keys add --name NAME --scope ingest" first, or listen on 127.0.0.1`,
        ]
      : []),
  ];
}

function dirProblems(dir: string): readonly string[] {
  const cure = 'make it writable for this user, or set DATA_DIR to another directory';
  // A missing directory is created, if it may be.
  let place = resolve(dir);
  while (!existsSync(place) && dirname(place) !== place) place = dirname(place);
  try {
    if (!statSync(place).isDirectory()) return [`DATA_DIR was ${dir}: ${place} is not a directory; ${cure}`];
    accessSync(place, constants.W_OK | constants.X_OK);
    return [];
  } catch (error) {
    return [`DATA_DIR was ${dir}: ${place} cannot be written (${whyUnreadable(error)}); ${cure}`];
  }
}

function hasKeys(dir: string): boolean {
  if (!existsSync(join(dir, 'keys.db'))) return false;
  const store = openKeyStore(dir);
  try {
    return !store.isEmpty();
  } finally {
    store.close();
  }
}
