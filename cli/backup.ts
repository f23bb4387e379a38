import {
  copyFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { copyDatabase, damageOf, hashOf } from '../collector/journal/backup.ts';
import { lockDataDir } from '../collector/journal/data-dir.ts';
import { takeFromOthers } from '../collector/journal/private-file.ts';
import { makeDirectory } from '../runtime/directory.ts';
import { VERSION } from '../runtime/version.ts';
import { isPostgres } from '../usage/ask/settings.ts';
import { copyStore } from '../usage/store/copy-store.ts';
import type { GlobalOptions } from './global-options.ts';
import { printRows } from './output.ts';
import { progress } from './progress.ts';
import { requireJournal, settingsOf, UsageError } from './settings.ts';
import { openStore, placeOf } from './usage.ts';

const MANIFEST = 'backup.json';
const USAGE_FILE = 'usage.duckdb';
/** The journal comes last: whatever it has that the others lack is counted from it again. */
const DATABASES = ['keys.db', 'journal.db'] as const;

const manifestFormat = z.object({
  format: z.literal(1),
  version: z.string(),
  created: z.string(),
  files: z.array(z.object({ name: z.enum([...DATABASES, USAGE_FILE]), bytes: z.int(), sha256: z.string() })),
});
type Manifest = z.infer<typeof manifestFormat>;

/** `backup DIR`: copies keys, usage and journal while the collector runs. DIR appears only once it is complete. */
export async function makeBackup(options: GlobalOptions, directory: string): Promise<void> {
  const settings = settingsOf(options);
  requireJournal(settings);
  if (existsSync(directory)) throw new UsageError(`${directory} exists: name a new directory`);
  const unfinished = resolve(`${directory}.unfinished-${process.pid}`);
  makeDirectory(unfinished, 0o700);
  const shown = progress('backup');
  try {
    const copied: Manifest['files'][number]['name'][] = [];
    const copy = async (name: Manifest['files'][number]['name'], how: (to: string) => Promise<void>): Promise<void> => {
      shown.say(name);
      await how(join(unfinished, name));
      copied.push(name);
    };
    const [keys, journal] = DATABASES;
    if (existsSync(join(settings.DATA_DIR, keys)))
      await copy(keys, (to) => copyDatabase(join(settings.DATA_DIR, keys), to));
    if (!isPostgres(settings.USAGE_STORE) && existsSync(placeOf(settings)))
      await copy(USAGE_FILE, async (to) => {
        const store = await openStore(settings);
        try {
          await copyStore(store, to);
        } finally {
          await store.close();
        }
      });
    // Last: it holds everything that was accepted before this command began.
    await copy(journal, (to) => copyDatabase(join(settings.DATA_DIR, journal), to));
    const files = await Promise.all(copied.map(async (name) => fileOf(unfinished, name)));
    const manifest: Manifest = { format: 1, version: VERSION, created: new Date().toISOString(), files };
    writeFileSync(join(unfinished, MANIFEST), `${JSON.stringify(manifest, undefined, 2)}\n`, { mode: 0o600 });
    renameSync(unfinished, directory);
    shown.end();
    print(manifest);
  } finally {
    rmSync(unfinished, { recursive: true, force: true });
  }
}

async function fileOf(directory: string, name: Manifest['files'][number]['name']): Promise<Manifest['files'][number]> {
  const path = join(directory, name);
  return { name, bytes: statSync(path).size, sha256: await hashOf(path) };
}

function print({ files }: Manifest): void {
  printRows(
    files.map(({ name, bytes, sha256 }) => ({ file: name, bytes, sha256 })),
    ['file', 'bytes', 'sha256'],
  );
}

/**
 * `restore DIR`: fills a DATA_DIR that has no journal, while no collector runs. It checks everything before it writes anything.
 */
export async function restoreBackup(options: GlobalOptions, directory: string): Promise<void> {
  const settings = settingsOf(options);
  const manifest = await checkedManifest(directory);
  const targets = manifest.files.map(({ name }) => ({
    from: join(directory, name),
    to: name === USAGE_FILE ? placeOf(settings) : join(settings.DATA_DIR, name),
  }));
  if (isPostgres(settings.USAGE_STORE) && manifest.files.some(({ name }) => name === USAGE_FILE))
    throw new UsageError(
      `The backup has a usage store in a file, and USAGE_STORE is PostgreSQL: unset it, or remove ${USAGE_FILE} from the backup`,
    );
  const lock = lockDataDir(settings.DATA_DIR);
  try {
    const taken = targets.find(({ to }) => existsSync(to));
    if (taken !== undefined)
      throw new UsageError(`${taken.to} exists: move it away first, or set DATA_DIR to an empty directory`);
    for (const { from, to } of targets) {
      copyFileSync(from, `${to}.restored`);
      takeFromOthers(`${to}.restored`);
    }
    // The journal last: without it, no collector takes the directory of an interrupted restore for a complete one.
    for (const { to } of targets.toSorted(
      (one, other) => Number(one.to.endsWith('journal.db')) - Number(other.to.endsWith('journal.db')),
    ))
      renameSync(`${to}.restored`, to);
  } finally {
    lock.release();
  }
  print(manifest);
}

/** @throws UsageError if the directory is not a complete backup */
async function checkedManifest(directory: string): Promise<Manifest> {
  const path = join(directory, MANIFEST);
  if (!existsSync(path)) {
    const there = existsSync(directory) ? readdirSync(directory).join(', ') || 'nothing' : 'no such directory';
    throw new UsageError(`${directory} is not a backup: it has no ${MANIFEST} (${there})`);
  }
  const { data, error } = manifestFormat.safeParse(parsed(path));
  if (data === undefined)
    throw new UsageError(
      `${path} is not a list of a backup of this version (${error.issues[0]?.message}): use the version that made it, or a later one`,
    );
  for (const { name, sha256 } of data.files) {
    const file = join(directory, name);
    if (!existsSync(file)) throw new UsageError(`${file} is missing: the backup is incomplete`);
    if ((await hashOf(file)) !== sha256) throw new UsageError(`${file} is not what was backed up: its SHA-256 differs`);
    const damage = name === USAGE_FILE ? undefined : damageOf(file);
    if (damage !== undefined) throw new UsageError(`${file} is damaged: ${damage}`);
  }
  return data;
}

function parsed(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
}
