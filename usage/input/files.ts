import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { BrokenFileError, InputError } from './errors.ts';

/** Expected content of a file. */
export type InputKind = 'events' | 'nginx';

interface InputFiles {
  /** Names of the files to take from a directory. */
  readonly named: RegExp;
  readonly what: string;
}

const FILES = {
  events: {
    named: /\.(?:ndjson|jsonl)(?:\.gz|\.zst)?$/,
    what: 'file of events: they end in .ndjson or .jsonl, with .gz or .zst',
  },
  // Names from NGINX and logrotate: access.log, clowder.json, access.log.2.gz, access.log-20261005.zst.
  nginx: {
    named: /^(?!error).*\.(?:log|json)(?:[.-]\d+)*(?:\.gz|\.zst)?$/,
    what: 'access log: they end in .log or .json, or rotated .log.1 or .log-20261005, with .gz or .zst',
  },
} as const satisfies Record<InputKind, InputFiles>;

/**
 * The files at these paths: a file itself, or all files of the kind in a directory and below, by name.
 *
 * @throws InputError if there are none
 */
export async function filesOf(paths: readonly string[], kind: InputKind): Promise<readonly string[]> {
  const { named, what } = FILES[kind];
  const files: string[] = [];
  for (const path of paths) {
    const entry = await stat(path).catch((cause: unknown) => {
      throw BrokenFileError.unreadable(path, cause);
    });
    if (!entry.isDirectory()) {
      files.push(path);
      continue;
    }
    const names = (await readdir(path, { recursive: true, withFileTypes: true }))
      .filter((one) => !one.isDirectory() && named.test(one.name))
      .map((one) => join(one.parentPath, one.name))
      .toSorted();
    if (names.length === 0) throw new InputError('wrong_usage', `${path} holds no ${what}`);
    files.push(...names);
  }
  return [...new Set(files)];
}
