import { closeSync, openSync, rmSync, statfsSync, statSync, writeSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { takeFromOthers } from './private-file.ts';
import { JOURNAL_FILE } from './schema.ts';

/** A file whose only use is to be deleted. */
export interface ReserveFile {
  /** 0 if it does not exist. */
  size(): number;
  /** @returns false if it could not be completed; a partial file stays until it is removed */
  make(bytes: number): boolean;
  remove(): void;
}

/** The journal's view of its disk. */
export interface DiskFiles {
  /** Free bytes for this user. */
  free(): number;
  total(): number;
  walSize(): number;
  readonly ballast: ReserveFile;
  readonly startBallast: ReserveFile;
}

const BALLAST_FILE = 'ballast';
const START_BALLAST_FILE = 'ballast.start';
/** Not zeros, which some file systems do not store. */
const CHUNK = randomBytes(64 * 1024);

/** @param dir DATA_DIR */
export function diskFilesOf(dir: string): DiskFiles {
  return {
    free: () => freeBytes(dir),
    total: () => {
      const { blocks, bsize } = statfsSync(dir);
      return blocks * bsize;
    },
    walSize: () => sizeOf(join(dir, `${JOURNAL_FILE}-wal`)),
    ballast: reserveFile(join(dir, BALLAST_FILE)),
    startBallast: reserveFile(join(dir, START_BALLAST_FILE)),
  };
}

export function freeBytes(dir: string): number {
  const { bavail, bsize } = statfsSync(dir);
  return bavail * bsize;
}

function reserveFile(path: string): ReserveFile {
  takeFromOthers(path);
  return {
    size: () => sizeOf(path),
    make(bytes) {
      try {
        const file = openSync(path, 'w', 0o600);
        try {
          for (let left = bytes; left > 0; left -= writeSync(file, CHUNK, 0, Math.min(left, CHUNK.length)));
        } finally {
          closeSync(file);
        }
        return true;
      } catch {
        // Another program has taken the space.
        return false;
      }
    },
    remove: () => rmSync(path, { force: true }),
  };
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}
