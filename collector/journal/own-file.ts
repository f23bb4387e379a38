import { statSync, type Stats } from 'node:fs';

/**
 * Watches whether a database and its WAL are still in place. A removed file can still be written, but is lost with the
 * process.
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
