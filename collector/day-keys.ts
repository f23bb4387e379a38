import { randomBytes } from 'node:crypto';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const FILE = 'client-id-keys.json';
/** Events may arrive late: keys of this many days are kept, then nobody can compute that day's ids again. */
const DAYS_KEPT = 3;

/**
 * The secrets that client ids are keyed with: one a day, random, kept over a restart and thrown away after three days,
 * so that unique clients can be counted and nobody can be followed from day to day.
 *
 * @returns a function from the day (days since 1970, UTC) to its secret
 */
export function openDayKeys(dir: string, now: () => number = Date.now): (day: number) => string {
  const path = join(dir, FILE);
  const keys = new Map<number, string>(readKeys(path));
  return (day) => {
    let key = keys.get(day);
    if (key !== undefined) return key;
    key = randomBytes(32).toString('hex');
    keys.set(day, key);
    const oldest = Math.floor(now() / 86_400_000) - DAYS_KEPT;
    for (const kept of keys.keys()) if (kept < oldest && kept !== day) keys.delete(kept);
    const draft = `${path}.${process.pid}`;
    writeFileSync(draft, JSON.stringify([...keys]), { mode: 0o600 });
    renameSync(draft, path);
    return key;
  };
}

function readKeys(path: string): [number, string][] {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as [number, string][];
  } catch {
    // No file yet, or one cut off by a crash: ids of today start anew.
    return [];
  }
}
