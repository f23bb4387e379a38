/** The parts of package.json that matter to a registry or to those who install. */
export interface Manifest {
  readonly name?: string;
  readonly version?: string;
  readonly license?: string;
  readonly private?: boolean;
  readonly description?: string;
  readonly repository?: { readonly url?: string };
  readonly engines?: { readonly node?: string };
  readonly bin?: Readonly<Record<string, string>>;
  readonly exports?: Readonly<Record<string, unknown>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly publishConfig?: { readonly provenance?: boolean; readonly access?: string };
}

/** A package as it would be published. */
export interface Packed {
  readonly manifest: Manifest;
  /** Path and size of each file, in bytes. */
  readonly files: ReadonlyMap<string, number>;
  readonly readme: string;
}

const MIB = 1024 ** 2;
/** More than anybody expects of a program of this size; a registry's own bound is far higher. */
const MOST_BYTES = 12 * MIB;
/** Files that do not belong in a package. */
const UNWANTED =
  /(?:^|\/)(?:test|bench|simulation|node_modules|\.cache|data)\/|\.tsbuildinfo$|\.test\.|\.env|\.npmrc$|\.tgz$/;

/** Why a registry would refuse the package, or its users would be badly served: one sentence each. */
export function refusalsOf({ manifest, files, readme }: Packed): readonly string[] {
  const total = [...files.values()].reduce((sum, size) => sum + size, 0);
  const named = [...Object.values(manifest.bin ?? {}), ...targetsOf(manifest.exports)].map((path) =>
    path.replace(/^\.\//, ''),
  );
  return [
    ...missing(manifest),
    ...named.filter((path) => !files.has(path)).map((path) => `package.json names ${path}, which is not packed`),
    ...[...files.keys()].filter((path) => UNWANTED.test(path)).map((path) => `${path} is packed, and nobody needs it`),
    ...Object.entries(manifest.dependencies ?? {})
      .filter(([, range]) => !/^[~^]?\d+\.\d+\.\d+/.test(range))
      .map(([name, range]) => `the dependency ${name} is ${range}: only versions of the registry can be installed`),
    ...(total > MOST_BYTES ? [`it takes ${Math.ceil(total / MIB)} MiB, more than ${MOST_BYTES / MIB}`] : []),
    ...relativeLinks(readme).map((link) => `README.md links to ${link}: on the registry's page that leads nowhere`),
    ...dangling(files),
  ];
}

function missing(manifest: Manifest): readonly string[] {
  const needs: readonly (readonly [boolean, string])[] = [
    [/^(?:@[a-z0-9-]+\/)?[a-z0-9][a-z0-9._-]{0,213}$/.test(manifest.name ?? ''), 'its name is none that a registry takes'],
    [/^\d+\.\d+\.\d+(?:-[\w.]+)?$/.test(manifest.version ?? ''), 'its version is none'],
    [manifest.private !== true, 'it is private'],
    [manifest.license !== undefined, 'it has no license'],
    [manifest.description !== undefined, 'it has no description'],
    [manifest.engines?.node !== undefined, 'it does not say which Node it needs'],
    [/^git\+https:\/\/github\.com\/[\w-]+\/[\w-]+\.git$/.test(manifest.repository?.url ?? ''), 'its repository is no URL that provenance can be held against'],
    [manifest.publishConfig?.provenance === true, 'it would be published without provenance'],
  ]; // prettier-ignore
  return needs.filter(([isRight]) => !isRight).map(([, problem]) => problem);
}

/** Every file that `exports` names. */
function targetsOf(exports: unknown): readonly string[] {
  if (typeof exports === 'string') return [exports];
  if (typeof exports !== 'object' || exports === null) return [];
  return Object.values(exports).flatMap(targetsOf);
}

/** Links within the repository: GitHub follows them, the registry's page does not. */
export function relativeLinks(markdown: string): readonly string[] {
  return [...markdown.matchAll(/\]\((?!https?:|#|mailto:)([^)\s]+)\)/g)].map(([, link = '']) => link);
}

/** Source maps whose sources are missing in both map and package: they would lead a debugger nowhere. */
function dangling(files: ReadonlyMap<string, number>): readonly string[] {
  return [...files.keys()]
    .filter((path) => path.endsWith('.d.ts.map'))
    .map((path) => `${path} leads to a source that is not packed`);
}
