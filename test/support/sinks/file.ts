import { readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { fileSink } from '../../../sinks/services/file/file.ts';
import { tempDir } from '../processes.ts';
import type { SinkHarness } from './harness.ts';

/** Lines of all files in an archive, oldest first. */
export async function archiveLines(directory: string): Promise<readonly string[]> {
  try {
    return await readLines(directory);
  } catch (error) {
    // A file was compressed while others were read: start again.
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return archiveLines(directory);
    throw error;
  }
}

async function readLines(directory: string): Promise<readonly string[]> {
  const names = (await readdir(directory).catch(() => [])).filter((name) => /\.ndjson(?:\.gz)?$/.test(name)).toSorted();
  // While a file is being compressed, it briefly exists in both forms.
  const once = names.filter((name) => !names.includes(`${name}.gz`));
  const texts = await Promise.all(
    once.map(async (name) => {
      const content = await readFile(join(directory, name));
      return (name.endsWith('.gz') ? gunzipSync(content) : content).toString('utf8');
    }),
  );
  return texts.join('').split('\n').slice(0, -1);
}

/** A directory for the test, with a small file size, so that a run spans many files. */
export const fileHarness: SinkHarness = {
  definition: fileSink,
  faults: ['away'],
  refuses: false,
  async start() {
    const temp = await tempDir('archive');
    const directory = join(temp.path, 'events');
    const aside = join(temp.path, 'aside');
    let away = false;
    return {
      settings: { directory, max_bytes: '20KiB' },
      async fault() {
        await rename(directory, aside).catch(() => undefined);
        await writeFile(directory, 'in the place of the directory');
        away = true;
      },
      async heal() {
        if (!away) return;
        away = false;
        await rm(directory);
        await rename(aside, directory).catch(() => undefined);
      },
      storedIds: async () =>
        (await archiveLines(directory)).map((line) => (JSON.parse(line) as { event_id: string }).event_id),
      storedText: async () => (await archiveLines(directory)).join('\n'),
      [Symbol.asyncDispose]: temp.remove,
    };
  },
};
