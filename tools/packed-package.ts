import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, globSync, mkdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isMade, makeOnce } from './make-once.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
/** Inputs of the package besides its sources: a change in any makes another package. */
const MADE_OF = ['package.json', 'package-lock.json', 'tsconfig.json', 'tsconfig.build.json', 'tools/bundle.ts', 'tools/guide.ts', 'docs/operate.md', 'README.md', 'LICENSE', 'CHANGELOG.md']; // prettier-ignore
/** Test programs that import the package by its name, as users' programs do. */
const PROGRAMS = 'test/fixtures/programs';
const PREFIX = join(tmpdir(), 'clowder-otel-packed-');

/** The package as users have it: packed, then unpacked into an empty directory. */
export interface PackedPackage {
  /** Where the user's own programs are. */
  readonly home: string;
  /** The package itself: node_modules/clowder-otel. */
  readonly path: string;
}

/**
 * The package of the current sources.
 *
 * @throws Error if it is not made yet; `packPackage` makes it
 */
export function packedPackage(): PackedPackage {
  const packed = placeOfPackage();
  if (isMade(packed.home)) return packed;
  throw new Error('the packed package of these sources is missing: run `node tools/packed-package.ts`');
}

/**
 * Makes the package with `npm pack` and unpacks it into an empty directory; quick if that was done before.
 *
 * The directory is outside the repository, and has only the dependencies that package.json names, linked to those that the
 * lockfile installed: undeclared imports and unpacked files fail here. `npm install` would take half a minute after each
 * change, and install other versions than the lockfile's.
 */
export function packPackage(): PackedPackage {
  const packed = placeOfPackage();
  makeOnce({ directory: packed.home, prefix: PREFIX, make: unpackInto });
  return packed;
}

function unpackInto(home: string): void {
  execFileSync('npm', ['pack', '--silent', '--pack-destination', home], { cwd: ROOT, stdio: ['ignore', 'ignore', 'inherit'] }); // prettier-ignore
  const unpacked = join(home, 'node_modules', 'clowder-otel');
  mkdirSync(unpacked, { recursive: true });
  const [tarball = ''] = globSync('*.tgz', { cwd: home });
  execFileSync('tar', ['-xzf', join(home, tarball), '--strip-components=1', '-C', unpacked]);
  rmSync(join(home, tarball));
  for (const name of dependencies()) {
    const link = join(home, 'node_modules', name);
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(join(ROOT, 'node_modules', name), link);
  }
  cpSync(join(ROOT, PROGRAMS), join(home, 'programs'), { recursive: true });
}

function placeOfPackage(): PackedPackage {
  const home = PREFIX + contentKey();
  return { home, path: join(home, 'node_modules', 'clowder-otel') };
}

/** Hash of the package's inputs and of the checkout's path, to which dependencies are linked. */
function contentKey(): string {
  const { include } = JSON.parse(readFileSync(join(ROOT, 'tsconfig.build.json'), 'utf8')) as { include: string[] };
  const sources = globSync([...include.map((folder) => `${folder}/**/*.ts`), 'dashboard/**/*.*', `${PROGRAMS}/*`], {
    cwd: ROOT,
  });
  const hash = createHash('sha256').update(ROOT);
  for (const file of [...MADE_OF, ...sources.filter((name) => !name.endsWith('.test.ts')).toSorted()])
    hash.update(`\0${file}\0`).update(readFileSync(join(ROOT, file)));
  return hash.digest('hex').slice(0, 16);
}

function dependencies(): readonly string[] {
  const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { dependencies: object };
  return Object.keys(manifest.dependencies);
}

if (import.meta.main) console.log(packPackage().path);
