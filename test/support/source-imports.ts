import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { posix } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** One import in one file. */
export interface Import {
  /** Path from the root, with `/`. */
  readonly file: string;
  /** As written. */
  readonly specifier: string;
  /** Path from the root of our own file that it names; undefined for a package. */
  readonly target: string | undefined;
}

/**
 * `import`, `import type`, `export … from`, `import()` of values and of types, `require()`, and neighbouring files (`new URL`).
 */
const SPECIFIER =
  /(?:\bfrom\s+|\bimport\s+|\bimport\s*\(\s*|\brequire\s*\(\s*)(['"])([^'"\n]+)\1|\bnew URL\(\s*(['"`])(\.[^'"`\n]+)\3\s*,\s*import\.meta\.url/g;

/** A source's imports in every form, as written. A neighbouring file named with a variable ending counts as `.ts`. */
export function specifiersOf(source: string): readonly string[] {
  return [...source.matchAll(SPECIFIER)].map(
    ([, , specifier, , beside]) => specifier ?? (beside ?? '').replace(/\.?\$\{[^}]*\}$/, '.ts'),
  );
}

/** Imports of the TypeScript files below a folder, except tests, which may import anything. */
export function importsBelow(folder: string): readonly Import[] {
  return sourcesBelow(folder).flatMap((file) =>
    specifiersOf(readFileSync(join(ROOT, file), 'utf8')).map((specifier) => ({
      file,
      specifier,
      target: specifier.startsWith('.') ? posix.join(posix.dirname(file), specifier) : undefined,
    })),
  );
}

/** Folders of the root, or of `folder`, that contain product sources at any depth. */
export function foldersWithSources(folder = '.'): readonly string[] {
  const below = folder === '.' ? '' : `${folder}/`;
  const sources = sourcesBelow(folder).filter((file) => file.slice(below.length).includes('/'));
  return [...new Set(sources.map((file) => below + file.slice(below.length).split('/', 1).join('')))];
}

/** Paths from the root, with `/`. */
export function sourcesBelow(folder: string): readonly string[] {
  return globSync(`${folder}/**/*.{ts,tsx}`, {
    cwd: ROOT,
    exclude: (name) => ['node_modules', 'dist', '.cache'].includes(posix.basename(name)),
  })
    .map((file) => posix.normalize(file.replaceAll('\\', '/')))
    .filter((file) => !file.endsWith('.test.ts') && !file.startsWith('.'))
    .toSorted();
}

/** Whether a path is this folder or lies in it. */
export function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(`${folder}/`);
}

/** Every file reachable from these files, including themselves. */
export function reachedFrom(files: Iterable<string>, imports: readonly Import[]): ReadonlySet<string> {
  const next = targetsByFile(imports);
  const reached = new Set(files);
  for (const file of reached) for (const target of next.get(file) ?? []) reached.add(target);
  return reached;
}

/** Groups of files that all reach each other (strongly connected components, by Tarjan). */
export function circlesOf(imports: readonly Import[]): readonly (readonly string[])[] {
  const next = targetsByFile(imports);
  const found = new Map<string, { readonly order: number; low: number; open: boolean }>();
  const open: string[] = [];
  const circles: string[][] = [];

  function visit(file: string): { readonly order: number; low: number; open: boolean } {
    const own = { order: found.size, low: found.size, open: true };
    found.set(file, own);
    open.push(file);
    for (const target of next.get(file) ?? []) {
      const seen = found.get(target);
      if (seen === undefined) own.low = Math.min(own.low, visit(target).low);
      else if (seen.open) own.low = Math.min(own.low, seen.order);
    }
    if (own.low === own.order) {
      const circle = open.splice(open.indexOf(file));
      for (const member of circle) {
        const entry = found.get(member);
        if (entry !== undefined) entry.open = false;
      }
      if (circle.length > 1 || next.get(file)?.has(file) === true) circles.push(circle.toSorted());
    }
    return own;
  }

  for (const file of next.keys()) if (!found.has(file)) visit(file);
  return circles;
}

function targetsByFile(imports: readonly Import[]): ReadonlyMap<string, ReadonlySet<string>> {
  const targets = new Map<string, Set<string>>();
  for (const { file, target } of imports) {
    const own = targets.get(file) ?? new Set();
    targets.set(file, own);
    if (target !== undefined) own.add(target);
  }
  return targets;
}
