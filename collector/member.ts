import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Settings } from './config.ts';

const FILE = 'member';

/**
 * Identifies one of several collectors, for what each counts by itself; it stays with DATA_DIR.
 *
 * @returns undefined for a single collector
 * @throws Error of the file system
 */
export function memberOf({ COLLECTORS, DATA_DIR }: Pick<Settings, 'COLLECTORS' | 'DATA_DIR'>): string | undefined {
  if (COLLECTORS === 'one') return undefined;
  const path = join(DATA_DIR, FILE);
  if (existsSync(path)) return readFileSync(path, 'utf8').trim();
  const member = randomBytes(8).toString('hex');
  writeFileSync(`${path}.new`, `${member}\n`, { mode: 0o600 });
  renameSync(`${path}.new`, path);
  return member;
}
