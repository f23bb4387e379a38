import { randomBytes } from 'node:crypto';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { takeFromOthers } from '../journal/private-file.ts';
import { dayOf } from '../../taxonomy/client.ts';

const FILE = 'client-id-keys.json';
/** Days for which keys are kept, as events may arrive late. After that, a day's client ids cannot be computed again. */
const DAYS_KEPT = 3;
/** Keys of other days, in memory only: old events may be sent again. */
const OTHER_DAYS_MAX = 1000;

const fileFormat = z.array(z.tuple([z.int(), z.string().regex(/^[0-9a-f]{64}$/)]));

/**
 * The secrets that key client ids: one random secret a day, kept across restarts and deleted after three days. Unique
 * clients can be counted, but no client can be followed from day to day.
 *
 * @returns a function from the day (days since 1970, UTC) to its secret
 */
export function openDayKeys(dir: string, now: () => number = Date.now): (day: number) => string {
  const path = join(dir, FILE);
  takeFromOthers(path);
  const kept = new Map<number, string>(readKeys(path));
  const others = new Map<number, string>();
  return (day) => {
    const known = kept.get(day) ?? others.get(day);
    if (known !== undefined) return known;
    const key = randomBytes(32).toString('hex');
    const today = dayOf(now());
    if (Math.abs(day - today) > DAYS_KEPT) {
      if (others.size >= OTHER_DAYS_MAX) others.clear();
      others.set(day, key);
      return key;
    }
    kept.set(day, key);
    for (const one of kept.keys()) if (one < today - DAYS_KEPT) kept.delete(one);
    const draft = `${path}.${process.pid}`;
    writeFileSync(draft, JSON.stringify([...kept]), { mode: 0o600 });
    renameSync(draft, path);
    return key;
  };
}

function readKeys(path: string): readonly (readonly [number, string])[] {
  try {
    return fileFormat.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch {
    // No file yet, or one truncated by a crash: today gets a new secret.
    return [];
  }
}
