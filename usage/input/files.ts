import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { BrokenFileError, InputError } from './errors.ts';

/** What a file is to hold. */
export type InputKind = 'events' | 'nginx';

interface InputFiles {
  /** Files of a directory that are meant, by their name. */
  readonly named: RegExp;
  readonly what: string;
}

const FILES = {
  events: {
    named: /\.(?:ndjson|jsonl)(?:\.gz|\.zst)?$/,
    what: 'file of events: they end in .ndjson or .jsonl, with .gz or .zst',
  },
  // As NGINX names them, and logrotate after it: access.log, clowder.json, access.log.2.gz, access.log-20261005.zst.
  nginx: {
    named: /^(?!error).*\.(?:log|json)(?:[.-]\d+)*(?:\.gz|\.zst)?$/,
    what: 'access log: they end in .log or .json, or rotated .log.1 or .log-20261005, with .gz or .zst',
  },
} as const satisfies Record<InputKind, InputFiles>;

/**
 * The files that are meant by paths: a file is itself, a directory all files of the kind in it and below it, by name.
 *
 * @throws InputError where there is none
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
