import { existsSync, globSync, mkdtempSync, renameSync, rmSync, statSync, utimesSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';

/** What nobody has used for so long is removed. */
const KEPT_MS = 86_400_000;
/** How long one waits for another that is making it. */
const WAIT_MS = 600_000;

/** A directory that is made once and then used by many. */
export interface Made {
  /** Where it is to be: `PREFIX` and a name of its own. */
  readonly directory: string;
  /** Of all such directories: those that nobody has used for a day are removed when one is made. */
  readonly prefix: string;
  /** @param work an empty directory, which becomes it */
  readonly make: (work: string) => void;
}

/**
 * Makes the directory where it is not there. Of processes that ask for it at the same time one makes it, and the others
 * wait: the lock is SQLite's, so that it goes with the process that has it. It comes to its place whole, in one step.
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

/** Whether it is there; that it was asked for counts as its use. */
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
