import { mkdirSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

/**
 * Makes a directory, and those that it is in, where they are missing. Node's own `recursive` never comes to an end where the
 * file system says that what is asked for is not there, as /proc does.
 *
 * @throws Error of the system
 */
export function makeDirectory(path: string, mode = 0o777): void {
  const missing: string[] = [];
  for (let place = resolve(path); !isThere(place); place = dirname(place)) {
    missing.push(place);
    if (dirname(place) === place) break;
  }
  for (const place of missing.toReversed()) make(place, mode);
}

const isThere = (path: string): boolean => statSync(path, { throwIfNoEntry: false }) !== undefined;

function make(path: string, mode: number): void {
  try {
    mkdirSync(path, { mode });
  } catch (error) {
    // Somebody else was faster.
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  }
}
