import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Settings } from './config.ts';

const FILE = 'member';

/**
 * What tells one of several collectors from the others, for what each of them counts for itself: it stays with DATA_DIR.
 *
 * @returns undefined where there is one alone
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
