import { describe, expect, it } from 'vitest';
import {
  circlesOf,
  foldersWithSources,
  importsBelow,
  isWithin,
  reachedFrom,
  sourcesBelow,
  specifiersOf,
  type Import,
} from '../support/source-imports.ts';

/** Folders that may import anything, as they are not part of what users run. */
const FREE: ReadonlySet<string> = new Set(['bench', 'simulation', 'test', 'tools', 'examples']);

type Folder =
  | 'taxonomy'
  | 'runtime'
  | 'exporter'
  | 'instrumentation'
  | 'proxy'
  | 'collector'
  | 'monitor'
  | 'sinks'
  | 'usage'
  | 'dashboard'
  | 'cli';

interface Row {
  /** Our folders that its files may import besides their own. */
  readonly may: readonly (Folder | `${Folder}/${string}`)[];
  /** Packages that must not come with it, either directly or through its imports. */
  readonly never: readonly string[];
}

const SERVER_SIDE = ['hono', '@hono', 'amqplib', 'node:sqlite'];

/** Which folder may import which: every folder of the product has a row. */
const ROWS = {
  // Pure: what an event is. It runs everywhere, so it may use neither disk nor network.
  taxonomy: { may: [], never: [...SERVER_SIDE, 'node:fs', 'node:net', 'node:http'] },
  runtime: { may: ['taxonomy'], never: ['node:sqlite'] },
  exporter: { may: ['taxonomy', 'runtime'], never: ['hono', '@hono', 'node:sqlite'] },
  // A guest in other people's processes.
  instrumentation: {
    may: ['taxonomy', 'runtime/config', 'runtime/sending', 'runtime/error-text.ts'],
    never: SERVER_SIDE,
  },
  proxy: { may: ['taxonomy', 'runtime', 'instrumentation'], never: SERVER_SIDE },
  // Only questions and answers of usage: the store belongs to another process.
  collector: { may: ['taxonomy', 'runtime', 'exporter', 'usage/ask'], never: ['@duckdb'] },
  monitor: { may: ['taxonomy', 'runtime', 'exporter'], never: ['hono', '@hono'] },
  sinks: { may: ['taxonomy', 'runtime', 'exporter'], never: ['hono', '@hono', 'node:sqlite'] },
  usage: { may: ['taxonomy', 'runtime'], never: ['hono', '@hono', 'amqplib', 'node:sqlite'] },
  // Bundled for browsers: it knows the collector only by its HTTP API.
  dashboard: { may: [], never: ['node:fs', 'node:net', 'node:http', 'node:sqlite', 'amqplib'] },
  // Wiring: it starts every program, and no program imports it.
  cli: {
    may: ['taxonomy', 'runtime', 'exporter', 'instrumentation', 'proxy', 'collector', 'monitor', 'sinks', 'usage'],
    never: [],
  },
} as const satisfies Record<Folder, Row>;

/** The order of a folder's own parts, for folders that have one. Files beside the parts may import each of them. */
const PARTS: Readonly<Partial<Record<Folder, Readonly<Record<string, readonly string[]>>>>> = {
  // `error-text.ts` is below the parts, as each may report errors.
  runtime: {
    config: ['error-text.ts'],
    sending: ['config', 'error-text.ts'],
    amqp: ['config', 'sending', 'error-text.ts'],
    'event-table': [],
  },
  proxy: {
    upstream: [],
    headers: ['upstream'],
    admin: [],
    snippet: ['upstream', 'headers', 'own-answers.ts', 'report.ts'],
    workers: ['proxy.ts', 'report.ts', 'settings.ts'],
  },
};

/** Folders that others enter by one file only, and that need nothing of ours except what is named. */
const WALLS: readonly { readonly folder: string; readonly door: string; readonly needs: readonly string[] }[] = [
  { folder: 'proxy/upstream', door: 'proxy/upstream/index.ts', needs: [] },
];

/** Packages that only one file of ours may import, which sets them up. */
const SET_UP_BY: Readonly<Record<string, string>> = { pino: 'runtime/logging.ts' };

/** Packages of the command line itself. All other work is done by programs. */
const WIRING: ReadonlySet<string> = new Set([
  'commander',
  'string-width',
  'zod',
  'node:fs',
  'node:path',
  'node:timers/promises',
  'node:util',
]);

const SERVICES = 'sinks/services';
const REGISTRY = 'sinks/registry.ts';

const FOLDERS = Object.keys(ROWS);
const ALL = FOLDERS.flatMap((folder) => importsBelow(folder));

const line = ({ file, specifier }: Import): string => `${file} imports ${specifier}`;
const lines = (imports: readonly Import[]): readonly string[] => imports.map(line);

/** Imports of our own files from a folder. */
const ownFrom = (folder: string): readonly (Import & { readonly target: string })[] =>
  ALL.flatMap((one) =>
    one.target !== undefined && isWithin(one.file, folder) ? [{ ...one, target: one.target }] : [],
  );

describe('imports', () => {
  it('are specified for every folder of the product', () => {
    expect(foldersWithSources().filter((folder) => !FREE.has(folder))).toEqual(FOLDERS.toSorted());
  });

  it.each(Object.entries<Row>(ROWS))('of %s stay within it and $may', (folder, { may }) => {
    const strays = ownFrom(folder).filter(({ target }) => ![folder, ...may].some((place) => isWithin(target, place)));
    expect(lines(strays)).toEqual([]);
  });

  it.each(Object.entries<Row>(ROWS).filter(([, { never }]) => never.length > 0))(
    'of %s never bring in $never',
    (folder, { never }) => {
      const reached = reachedFrom(
        ALL.filter(({ file }) => isWithin(file, folder)).map(({ file }) => file),
        ALL,
      );
      const strays = ALL.filter(
        ({ file, specifier }) => reached.has(file) && never.some((name) => isWithin(specifier, name)),
      );
      expect(lines(strays)).toEqual([]);
    },
  );

  describe.each(Object.entries(PARTS))('within %s', (folder, parts) => {
    it('are specified for every part', () => {
      expect(Object.keys(parts)).toEqual(
        expect.arrayContaining(foldersWithSources(folder).map((part) => part.slice(folder.length + 1))),
      );
    });

    it.each(Object.entries(parts))('of %s go only to parts below it', (part, below) => {
      const places = [part, ...below].map((name) => `${folder}/${name}`);
      const strays = ownFrom(`${folder}/${part}`).filter(
        ({ target }) => isWithin(target, folder) && !places.some((place) => isWithin(target, place)),
      );
      expect(lines(strays)).toEqual([]);
    });
  });

  it.each(WALLS)('by others enter $folder only by its door', ({ folder, door, needs }) => {
    const entering = ALL.filter(
      ({ file, target }) => target !== undefined && isWithin(target, folder) && !isWithin(file, folder),
    );
    expect(entering).not.toEqual([]);
    expect(lines(entering.filter(({ target }) => target !== door))).toEqual([]);
    const leaving = ownFrom(folder).filter(
      ({ target }) => ![folder, ...needs].some((place) => isWithin(target, place)),
    );
    expect(lines(leaving)).toEqual([]);
  });

  it("enter a sink's service only from the registry, and none goes to another service", () => {
    const serviceOf = (path: string): string => path.split('/').slice(0, 3).join('/');
    const entering = ALL.filter(
      ({ file, target }) => target !== undefined && isWithin(target, SERVICES) && !isWithin(file, serviceOf(target)),
    );
    expect(lines(entering.filter(({ file }) => file !== REGISTRY))).toEqual([]);
    expect(new Set(entering.map(({ target }) => serviceOf(target ?? '')))).toEqual(
      new Set(foldersWithSources(SERVICES)),
    );
  });

  it.each(Object.entries(SET_UP_BY))('of %s are only in %s', (name, file) => {
    const importing = ALL.filter(({ specifier }) => isWithin(specifier, name));
    expect(importing).not.toEqual([]);
    expect(lines(importing.filter((one) => one.file !== file))).toEqual([]);
  });

  it('of cli/ bring in no package that does the work of a program', () => {
    const packages = ALL.filter(({ file, target }) => target === undefined && isWithin(file, 'cli'));
    expect(packages).not.toEqual([]);
    expect(lines(packages.filter(({ specifier }) => !WIRING.has(specifier)))).toEqual([]);
  });

  it('never name our own package, which would bypass the rules', () => {
    expect(lines(ALL.filter(({ specifier }) => isWithin(specifier, 'clowder-otel')))).toEqual([]);
  });

  it('name existing files of ours', () => {
    const files = new Set(FOLDERS.flatMap(sourcesBelow));
    const strays = ALL.filter(({ target }) => target?.endsWith('.ts') === true && !files.has(target));
    expect(lines(strays)).toEqual([]);
  });

  it('form no circle, including types', () => {
    expect(circlesOf(ALL)).toEqual([]);
  });
});

describe('the reader of imports', () => {
  it('finds them in every form', () => {
    const source = [
      "import a from './a.ts';",
      "export { b } from './b.ts';",
      "import './c.ts';",
      "await import('./d.ts');",
      "import {\n  e,\n} from './e.ts';",
      "import type { F } from './f.ts';",
      "export type { G } from './g.ts';",
      "let h: import('./h.ts').H;",
      "export * from './i.ts';",
      "require('./j.ts');",
      "new URL('./k.ts', import.meta.url);",
      'new URL(`./l.${ending}`, import.meta.url);',
      'new URL(`./m${extname(import.meta.url)}`, import.meta.url);',
    ].join('\n');
    expect(specifiersOf(source)).toEqual(Array.from('abcdefghijklm', (name) => `./${name}.ts`));
  });

  it('finds a good part of the product', () => {
    expect(FOLDERS.filter((folder) => importsBelow(folder).length < 10)).toEqual([]);
  });

  const edges = (...pairs: readonly string[]): readonly Import[] =>
    pairs.map((pair) => ({ file: pair.charAt(0), specifier: `./${pair.charAt(1)}`, target: pair.charAt(1) }));

  it('finds circles of two, of more and of one, and no chain', () => {
    expect(circlesOf(edges('ab', 'bc', 'ac'))).toEqual([]);
    expect(circlesOf(edges('ab', 'ba', 'bc'))).toEqual([['a', 'b']]);
    expect(circlesOf(edges('ab', 'bc', 'ca', 'cd', 'de', 'ed', 'xa'))).toEqual([
      ['d', 'e'],
      ['a', 'b', 'c'],
    ]);
    expect(circlesOf(edges('aa'))).toEqual([['a']]);
  });

  it('follows them to the end', () => {
    expect(reachedFrom(['a'], edges('ab', 'bc', 'xc', 'cx'))).toEqual(new Set(['a', 'b', 'c', 'x']));
  });
});
