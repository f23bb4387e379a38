import { statSync, type Stats } from 'node:fs';

/**
 * Whether a database and its WAL are still where they were at the start: a removed file can still be written, but is
 * lost with the process.
 */
export function watchDatabase(path: string): () => boolean {
  const wal = `${path}-wal`;
  const own = statSync(path);
  const ownWal = statSync(wal, { throwIfNoEntry: false });
  return () => isStill(path, own) && (ownWal === undefined || isStill(wal, ownWal));
}

function isStill(path: string, { ino, dev }: Stats): boolean {
  const found = statSync(path, { throwIfNoEntry: false });
  return found !== undefined && found.ino === ino && found.dev === dev;
}
