import { globSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** Folder → folders of ours that its files may import beside its own. Folders not named here may import anything. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  taxonomy: [],
  runtime: ['taxonomy'],
  exporter: ['taxonomy', 'runtime'],
  instrumentation: ['taxonomy', 'runtime/config', 'runtime/sending'],
  proxy: ['taxonomy', 'runtime', 'instrumentation'],
  collector: ['taxonomy', 'runtime', 'exporter'],
  monitor: ['taxonomy', 'runtime', 'exporter'],
  sinks: ['taxonomy', 'runtime', 'exporter'],
};

/** Folder → packages that must not come with it into other people's processes. */
const NEVER_IMPORT: Readonly<Record<string, readonly string[]>> = {
  taxonomy: ['hono', '@hono/', 'amqplib', 'node:sqlite', 'node:fs', 'node:net', 'node:http'],
  instrumentation: ['hono', '@hono/', 'amqplib', 'node:sqlite'],
  monitor: ['hono', '@hono/'],
};

const SPECIFIER = /(?:\bfrom\s+|\bimport\s*\(\s*|^\s*import\s+)'([^']+)'/gm;

function specifiersOf(source: string): readonly string[] {
  return [...source.matchAll(SPECIFIER)].map((match) => match[1] ?? '');
}

interface Import {
  readonly file: string;
  readonly specifier: string;
}

/** Product code only: tests may import what they like. */
function importsOf(folder: string): readonly Import[] {
  return globSync(`${folder}/**/*.ts`, { cwd: ROOT })
    .filter((file) => !file.endsWith('.test.ts'))
    .flatMap((file) => specifiersOf(readFileSync(join(ROOT, file), 'utf8')).map((specifier) => ({ file, specifier })));
}

/** The path that is imported, from the root. */
function targetOf({ file, specifier }: Import): string {
  return relative(ROOT, resolve(ROOT, dirname(file), specifier))
    .split(sep)
    .join('/');
}

const line = ({ file, specifier }: Import): string => `${file} imports ${specifier}`;

describe('imports', () => {
  it.each(Object.entries(MAY_IMPORT))('of %s stay within it and %j', (folder, allowed) => {
    const strays = importsOf(folder)
      .filter(({ specifier }) => specifier.startsWith('.'))
      .filter((one) => ![folder, ...allowed].some((place) => targetOf(one).startsWith(`${place}/`)));
    expect(strays.map(line)).toEqual([]);
  });

  it.each(Object.entries(NEVER_IMPORT))('of %s are none of %j', (folder, forbidden) => {
    const strays = importsOf(folder).filter(({ specifier }) =>
      forbidden.some((name) => specifier === name || specifier.startsWith(name.endsWith('/') ? name : `${name}/`)),
    );
    expect(strays.map(line)).toEqual([]);
  });

  it('are found in every form, so that the rules above see them', () => {
    const source =
      "import a from './a.ts';\nexport { b } from './b.ts';\nimport './c.ts';\nawait import('./d.ts');\nimport {\n  e,\n} from './e.ts';";
    expect(specifiersOf(source)).toEqual(['./a.ts', './b.ts', './c.ts', './d.ts', './e.ts']);
    expect(importsOf('collector').length).toBeGreaterThan(20);
  });

  it('never name our own package, which would go around the rules', () => {
    const own = Object.keys(MAY_IMPORT)
      .flatMap(importsOf)
      .filter(({ specifier }) => /^clowder-otel(?:\/|$)/.test(specifier));
    expect(own.map(line)).toEqual([]);
  });
});
