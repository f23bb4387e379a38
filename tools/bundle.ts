import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { guidePage } from './guide.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** Where the collector looks for it. */
const PLACE = 'dist/dashboard';
/** Scripts for browsers, by the name under which the collector reads them. */
const BUNDLES: Readonly<Record<string, string>> = {
  v: 'dashboard/snippet/v.ts',
  app: 'dashboard/app/main.tsx',
  api: 'dashboard/api/main.ts',
};

/** The page that the dashboard links to when something is wrong. */
const GUIDE = 'docs/operate.md';

export interface Bundled {
  readonly name: string;
  readonly text: string;
  /** Size as sent. */
  readonly gzipBytes: number;
}

/** Bundles the scripts for browsers. */
export async function bundle(): Promise<readonly Bundled[]> {
  const { outputFiles } = await build({
    absWorkingDir: ROOT,
    entryPoints: BUNDLES,
    outdir: PLACE,
    bundle: true,
    minify: true,
    format: 'iife',
    target: 'es2022',
    legalComments: 'none',
    tsconfig: 'dashboard/tsconfig.json',
    write: false,
  });
  return outputFiles.map(({ path, text }) => ({
    name: basename(path),
    text,
    gzipBytes: gzipSync(text, { level: 9 }).length,
  }));
}

if (import.meta.main) {
  const place = join(ROOT, PLACE);
  mkdirSync(place, { recursive: true });
  for (const { name, text } of await bundle()) writeFileSync(join(place, name), text);
  writeFileSync(join(place, 'guide.html'), guidePage(readFileSync(join(ROOT, GUIDE), 'utf8')));
}
