import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { makeInstrumentationPackage } from '../instrumentation-package.ts';
import type { Manifest, Packed } from './refusals.ts';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** Output of a release: git-ignored, safe to delete. */
export const RELEASE_DIR = join(ROOT, '.cache', 'release');

/** A package to publish, and the directory that it is packed from. */
export interface ReleasePackage extends Packed {
  readonly directory: string;
  readonly tarball: string;
}

const packedFormat = z.tuple([
  z.looseObject({ filename: z.string(), files: z.array(z.looseObject({ path: z.string(), size: z.number() })) }),
]);

/** Builds and packs both packages as they will be published. */
export function packAll(): readonly ReleasePackage[] {
  mkdirSync(RELEASE_DIR, { recursive: true });
  const main = pack(ROOT);
  return [main, pack(makeInstrumentationPackage(join(RELEASE_DIR, 'instrumentation')))];
}

function pack(directory: string): ReleasePackage {
  const printed = npm(directory, 'pack', '--json', '--pack-destination', RELEASE_DIR);
  // Scripts may print something before the JSON.
  const [{ filename, files }] = packedFormat.parse(JSON.parse(printed.slice(printed.indexOf('['))));
  return {
    directory,
    tarball: join(RELEASE_DIR, filename),
    manifest: JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8')) as Manifest,
    files: new Map(files.map(({ path, size }) => [path, size])),
    readme: readFileSync(join(directory, 'README.md'), 'utf8'),
  };
}

/** @returns npm's output */
export function npm(cwd: string, ...args: readonly string[]): string {
  return execFileSync('npm', args, {
    cwd,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
    maxBuffer: 64 * 1024 ** 2,
  });
}
