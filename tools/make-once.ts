import { existsSync, globSync, mkdtempSync, renameSync, rmSync, statSync, utimesSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';

/** Directories unused for this long are removed. */
const KEPT_MS = 86_400_000;
/** How long to wait for another process that makes the directory. */
const WAIT_MS = 600_000;

/** A directory that is made once and used often. */
export interface Made {
  /** Its final path: `prefix` and a name of its own. */
  readonly directory: string;
  /** Common to all such directories: those unused for a day are removed when one is made. */
  readonly prefix: string;
  /** @param work an empty directory, which becomes the final one */
  readonly make: (work: string) => void;
}

/**
 * Makes the directory if it is missing. If several processes ask at the same time, one makes it and the others wait. The lock
 * is SQLite's, so it ends with its process. The directory appears complete, in one step.
 */
export function makeOnce({ directory, prefix, make }: Made): void {
  if (isMade(directory)) return;
  const lock = new DatabaseSync(`${prefix}lock`, { timeout: WAIT_MS });
  try {
    lock.exec('BEGIN EXCLUSIVE');
    if (isMade(directory)) return;
    const work = mkdtempSync(`${directory}-`);
    try {
      make(work);
      renameSync(work, directory);
    } finally {
      rmSync(work, { recursive: true, force: true });
    }
    removeUnused(prefix, directory);
  } finally {
    lock.close();
  }
}

/** Whether the directory exists; asking counts as use. */
export function isMade(directory: string): boolean {
  if (!existsSync(directory)) return false;
  const now = new Date();
  utimesSync(directory, now, now);
  return true;
}

function removeUnused(prefix: string, used: string): void {
  for (const other of globSync(`${prefix}*`)) {
    const found = statSync(other, { throwIfNoEntry: false });
    if (found?.isDirectory() !== true || other === used) continue;
    if (Date.now() - found.mtimeMs > KEPT_MS) rmSync(other, { recursive: true, force: true });
  }
}
