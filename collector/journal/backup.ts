import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { backup } from 'node:sqlite';
import { pipeline } from 'node:stream/promises';
import { makePrivate } from './private-file.ts';
import { openForReading } from './schema.ts';

/** All pages at once: a copy in steps restarts after each write of another process. */
const ALL_PAGES = 2 ** 31 - 1;

/**
 * Copies an SQLite database while others write to it. The copy contains everything that was committed at the call, and
 * no partial transaction. Writers are not stopped.
 *
 * @param to a file that does not exist yet
 * @throws Error of SQLite
 */
export async function copyDatabase(from: string, to: string): Promise<void> {
  makePrivate(to);
  const source = openForReading(from);
  try {
    await backup(source, to, { rate: ALL_PAGES });
  } finally {
    source.close();
  }
}

/** What SQLite finds wrong with a database; undefined if it is intact. */
export function damageOf(path: string): string | undefined {
  const database = openForReading(path);
  try {
    const said = database.prepare('PRAGMA quick_check(1)').get();
    const [word] = Object.values(said ?? {});
    return word === 'ok' ? undefined : String(word);
  } finally {
    database.close();
  }
}

/** SHA-256 of a file, in hexadecimal. */
export async function hashOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}
