import { mkdirSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

/**
 * Makes a directory and its missing parents. Node's own `recursive` never returns if the file system reports a path as
 * missing that cannot be made, as /proc does.
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
    // Another process made it first.
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  }
}
