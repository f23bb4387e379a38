import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { eventsPage } from '../../tools/docs.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');

/** Joined here, so that this file does not contain them. */
const REGISTRY_HOSTS = [
  ['registry', 'npmjs', 'org'],
  ['registry', 'yarnpkg', 'com'],
  ['npm', 'pkg', 'github', 'com'],
  ['proxy', 'golang', 'org'],
  ['files', 'pythonhosted', 'org'],
].map((labels) => labels.join('.'));

/** Pages beside the checkout where this was first built, and the folder that contains them. */
const OUTSIDE = [
  ['DESIGN', 'md'].join('.'),
  ['STYLE', 'md'].join('.'),
  ['/shared', 'data'].join('/'),
  ['/shared', 'reference'].join('/'),
];

/** A path that goes up, in an import, a file URL or a link on a page. */
const UPWARD_PATH = /(?:\.\.\/)+[\w./-]*/g;

/** Files whose paths programs and people read; a lockfile is npm's. */
const TEXT = ['*.ts', '*.mjs', '*.cjs', '*.json', '*.py', '*.yml', '*.yaml', '*.md', ':!package-lock.json'];

/** What makes a test pass without running: a modifier, an option, and Vitest's own way to stop a running test. */
const SKIPS = [
  /\b(?:describe|it|test|suite|context|ctx|task)(?:\.\w+)*\.(?:skip|skipIf|runIf|todo|only)\b/,
  /\(\s*\{[^{}]*\bskip\b[^{}]*\}\s*\)\s*=>/,
  /\b(?:skip|todo):\s*(?:true|!|process|\()/,
];

/** Packages that run a program at install. Each was read, and contacts only the registry. */
const AT_INSTALL = ['core-js-pure', 'esbuild', 'node', 'protobufjs'].map((name) => `node_modules/${name}`);

const read = (file: string): string => readFileSync(join(ROOT, file), 'utf8');

/** Lines of files tracked by git that contain the text, as `file:line`. */
function trackedLinesWith(text: string): readonly string[] {
  const args = ['grep', '--fixed-strings', '-I', '-e', text];
  const found = spawnSync('git', args, { cwd: ROOT, encoding: 'utf8' });
  if (found.status !== 0 && found.status !== 1) throw new Error(`git grep failed: ${found.stderr}`);
  return found.stdout.split('\n').filter((line) => line !== '');
}

/** Files tracked by git that match one of the patterns. */
function trackedFiles(...patterns: readonly string[]): readonly string[] {
  const found = spawnSync('git', ['ls-files', '--', ...patterns], { cwd: ROOT, encoding: 'utf8' });
  if (found.status !== 0) throw new Error(`git ls-files failed: ${found.stderr}`);
  return found.stdout.split('\n').filter((file) => file !== '');
}

/** The paths in a file's text that lead out of the repository. */
function pathsOutside(file: string, text: string): readonly string[] {
  return [...text.matchAll(UPWARD_PATH)]
    .map(([path]) => path)
    .filter((path) => normalize(join(dirname(file), path)).startsWith('..'));
}

const canSkip = (text: string): boolean => SKIPS.some((pattern) => pattern.test(text));

/** Whether the line has the path itself: a checkout in /app is not meant by peer/app.py. */
function namesPath(line: string, path: string): boolean {
  const parts = line.slice(line.indexOf(':') + 1).split(path);
  return parts.slice(1).some((after, index) => !/[\w./-]$/.test(parts[index] ?? '') && !/^[\w.-]/.test(after));
}

describe('the repository', () => {
  it('has a lockfile that names no place to download from', () => {
    expect(read('package-lock.json')).not.toContain('"resolved"');
  });

  it('installs nothing that phones home, and runs only programs at install that place a binary', () => {
    const text = read('package-lock.json');
    expect(text).not.toMatch(/scarf/i);
    const { packages } = JSON.parse(text) as { packages: Record<string, { hasInstallScript?: boolean }> };
    const running = Object.keys(packages).filter((path) => packages[path]?.hasInstallScript === true);
    expect(running.toSorted()).toEqual(AT_INSTALL);
  });

  it('has no file with the path of this checkout', () => {
    expect(trackedLinesWith(ROOT).filter((line) => namesPath(line, ROOT))).toEqual([]);
  });

  it('distinguishes the path of a checkout from part of another path', () => {
    expect(namesPath("x.ts:const dir = '/app/data';", '/app')).toBe(true);
    expect(namesPath('x.ts:bench/peer/app.py', '/app')).toBe(false);
  });

  it.each(REGISTRY_HOSTS)('has no file that names the registry %s', (host) => {
    expect(trackedLinesWith(host)).toEqual([]);
  });

  it.each(OUTSIDE)('has no file that names %s, which it does not contain', (name) => {
    expect(trackedLinesWith(name)).toEqual([]);
  });

  it('has no file with a path that leads out of it', () => {
    const strays = trackedFiles(...TEXT).flatMap((file) =>
      pathsOutside(file, read(file)).map((path) => `${file}: ${path}`),
    );
    expect(strays).toEqual([]);
  });

  it('distinguishes a path that leads out from one that stays', () => {
    const up = '../';
    expect(pathsOutside('taxonomy/http/a.test.ts', `new URL('${up}${up}${up}beside/b.tsv')`)).toEqual([
      `${up}${up}${up}beside/b.tsv`,
    ]);
    expect(pathsOutside('taxonomy/http/a.test.ts', `from '${up}${up}test/b.ts'`)).toEqual([]);
  });

  it('has a heading in docs/design.md for each one that a comment cites', () => {
    const headings = new Set([...read('docs/design.md').matchAll(/^## (.+)$/gm)].map((match) => match[1]));
    const cited = trackedFiles('*.ts').flatMap((file) =>
      [...read(file).matchAll(/docs\/design\.md, "([^"]+)"/g)].map((match) => ({ file, heading: match[1] })),
    );
    expect(cited.length).toBeGreaterThan(10);
    expect(cited.filter(({ heading }) => !headings.has(heading))).toEqual([]);
  });

  it('has no test that can skip itself: a test that cannot run fails and says what is missing', () => {
    const files = trackedFiles('*.test.ts', 'test/integration/*.ts');
    expect(files.length).toBeGreaterThan(200);
    expect(files.filter((file) => canSkip(read(file)))).toEqual([]);
  });

  it('recognises each way in which a test can skip itself', () => {
    const word = 'skip';
    const ways = [
      ['describe', "skipIf(noBroker)('x', () => {})"].join('.'),
      ['it', "todo('x')"].join('.'),
      ['test', 'concurrent', "skip('x', run)"].join('.'),
      ['context', "skip('no root')"].join('.'),
      `test('x', async ({ ${word} }) => {`,
      `test('x', { ${word}: true }, run)`,
    ];
    expect(ways.filter((way) => !canSkip(way))).toEqual([]);
    expect(canSkip("plan: { end: 'skip' }, at(({ total, limit }) => of(skip, limit))")).toBe(false);
  });

  it('has a docs/events.md that says what the taxonomy says', () => {
    expect(read('docs/events.md') === eventsPage(), 'run "npm run docs"').toBe(true);
  });

  it('is tested by .ci/run in a clone, with the command of the README', () => {
    const command = /^(npm ci) && (npm test)$/m.exec(read('README.md'));
    expect(command).not.toBeNull();
    const steps = [...read('.ci/run').matchAll(/^step (.+)$/gm)].map((match) => match[1]);
    expect(steps.slice(0, 2)).toEqual(command?.slice(1));
    expect(read('.ci/run')).toMatch(/^git clone [^\n]*\n(?:[^\n]*\n)*?cd "\$empty\/clone"\n[^]*\nstep npm ci$/m);
  });
});
