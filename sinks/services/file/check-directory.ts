import { constants } from 'node:fs';
import { access, stat, statfs } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { SinkError } from '../../sink.ts';
import { errorText } from '../../../runtime/error-text.ts';

/**
 * Tests whether files can be written into a directory, or into one that would be created. Writes nothing.
 *
 * @returns a sentence with the free space
 * @throws SinkError
 */
export async function checkDirectory(directory: string): Promise<string> {
  const existing = await nearest(resolve(directory));
  try {
    if (!(await stat(existing)).isDirectory()) throw new Error(`${existing} is not a directory`);
    await access(existing, constants.W_OK | constants.X_OK);
  } catch (cause) {
    const reason = errorText(cause);
    throw new SinkError('unreachable', `Nothing can be written to ${directory}: ${reason}`, { cause });
  }
  const { bavail, bsize } = await statfs(existing);
  return `Files can be written to ${directory}; ${Math.floor((bavail * bsize) / 1024 ** 2)} MiB are free.`;
}

/** Returns the directory itself, or its closest existing parent. */
async function nearest(path: string): Promise<string> {
  try {
    await stat(path);
    return path;
  } catch (error) {
    const up = dirname(path);
    const missing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    return missing && up !== path ? nearest(up) : path;
  }
}
