import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { nextVersion, PLACES, ReleaseError, STEPS, withRelease, withVersion } from './release/bump.ts';
import { npm, packAll, RELEASE_DIR, ROOT, type ReleasePackage } from './release/packages.ts';
import { refusalsOf, type Manifest } from './release/refusals.ts';
import { HELM_PATH } from './test-tools.ts';

const USAGE = `npm run release -- [--dry-run] ${STEPS.join('|')}|VERSION   checks everything, writes version and changelog, commits, tags
                                      (--dry-run alone tries the next patch, and writes nothing)
npm run release -- --check VERSION    in the workflow: the tag is the version, and no registry would refuse it
npm run release -- --publish          in the workflow: publishes both packages`;

const CHART = 'deploy/helm/clowder-otel';
const IMAGE = 'ghcr.io/clowder-framework/clowder-otel';

interface Change {
  readonly file: string;
  readonly before: string;
  readonly after: string;
}

function main(args: readonly string[]): void {
  const isDry = args.includes('--dry-run');
  const [first = isDry ? 'patch' : '--help', second] = args.filter((one) => one !== '--dry-run');
  if (first === '--help') return say(USAGE);
  if (first === '--publish') return publish();
  if (first === '--check') return check(second);
  release(first, isDry);
}

/** Finds everything that can go wrong before it writes the first file. */
function release(wanted: string, isDry: boolean): void {
  const present = versionNow();
  const next = nextVersion(present, wanted);
  const changes = changesFor(present, next, new Date().toISOString().slice(0, 10));
  say(`${present} → ${next}`);
  for (const { file, before, after } of changes) say(`  ${file}: ${linesChanged(before, after)} lines`);
  examine();
  const [major, minor] = next.split('.');
  say(`Image: ${[next, `${major}.${minor}`].map((tag) => `${IMAGE}:${tag}`).join(', ')}`);
  if (isDry) return say('Nothing was written: this was a dry run.');
  if (git('status', '--porcelain') !== '') throw new ReleaseError('The working tree has changes: commit them first');
  for (const { file, after } of changes) writeFileSync(join(ROOT, file), after);
  git('commit', '--all', '--message', `Release ${next}`);
  git('tag', '--annotate', `v${next}`, '--message', `clowder-otel ${next}`);
  say(`Committed, with the tag v${next}. "git push --follow-tags" publishes it.`);
}

const versionNow = (): string =>
  (JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as Manifest).version ?? '';

function changesFor(present: string, next: string, day: string): readonly Change[] {
  const change = (file: string, edit: (text: string) => string): Change => {
    const before = readFileSync(join(ROOT, file), 'utf8');
    return { file, before, after: edit(before) };
  };
  return [
    ...PLACES.map((place) => change(place.file, (text) => withVersion(place, text, present, next))),
    change('CHANGELOG.md', (text) => withRelease(text, next, day)),
  ];
}

function linesChanged(before: string, after: string): number {
  const old = new Set(before.split('\n'));
  return after.split('\n').filter((line) => !old.has(line)).length;
}

/** Packs both packages, does a dry run with npm, and lists their contents. @throws ReleaseError */
function examine(): readonly ReleasePackage[] {
  const packages = packAll();
  const problems = packages.flatMap((one) => refusalsOf(one).map((problem) => `${one.manifest.name}: ${problem}`));
  if (problems.length > 0)
    throw new ReleaseError(`A registry or its users would not take it:\n  ${problems.join('\n  ')}`);
  for (const { manifest, files, tarball, directory } of packages) {
    const bytes = [...files.values()].reduce((sum, size) => sum + size, 0);
    say(`${manifest.name} ${manifest.version}: ${files.size} files, ${(bytes / 1e6).toFixed(1)} MB unpacked`);
    npm(ROOT, 'publish', '--dry-run', '--provenance=false', '--ignore-scripts', '--tag', 'dry-run', tarball);
    writeSbom(directory, String(manifest.name));
  }
  examineChart();
  return packages;
}

/** CycloneDX SBOM of everything that is installed with the package. */
function writeSbom(directory: string, name: string): void {
  const isMade = directory !== ROOT;
  if (isMade) npm(directory, 'install', '--package-lock-only', '--ignore-scripts', '--no-audit', '--no-fund');
  const lockOnly = isMade ? ['--package-lock-only'] : [];
  const sbom = npm(directory, 'sbom', '--sbom-format', 'cyclonedx', '--omit', 'dev', ...lockOnly);
  const file = join(RELEASE_DIR, `${name}.cdx.json`);
  writeFileSync(file, sbom);
  const { components } = JSON.parse(sbom) as { components?: readonly unknown[] };
  say(`  SBOM: ${components?.length ?? 0} components, ${file.slice(ROOT.length)}`);
}

function examineChart(): void {
  const helm = ['helm', process.env['HELM'] ?? '', HELM_PATH].find(
    (name) => name !== '' && spawnSync(name, ['version']).status === 0,
  );
  if (helm === undefined)
    return say(
      'Chart: not checked, because there is no helm on PATH. Set HELM to one, or run "node tools/setup.ts", which builds it',
    );
  const run = (...args: readonly string[]): string =>
    execFileSync(helm, args, { cwd: ROOT, encoding: 'utf8', stdio: 'pipe' });
  run('lint', '--quiet', '--set', 'broker.url=amqp://b', CHART);
  // Helm names its archive as npm does, and would overwrite the package in the same directory.
  const printed = run('package', CHART, '--destination', join(RELEASE_DIR, 'chart'));
  say(`Chart: ${printed.slice(printed.lastIndexOf(ROOT) + ROOT.length).trim()}`);
}

/** @throws ReleaseError */
function check(tag: string | undefined): void {
  const version = versionNow();
  if (tag !== version) throw new ReleaseError(`The tag is ${tag}, and package.json has ${version}`);
  if (!readFileSync(join(ROOT, 'CHANGELOG.md'), 'utf8').includes(`## [${version}]`))
    throw new ReleaseError(`CHANGELOG.md has no chapter ${version}`);
  examine();
}

function publish(): void {
  for (const { tarball } of examine())
    npm(ROOT, 'publish', '--provenance', '--access', 'public', '--ignore-scripts', tarball);
}

const git = (...args: readonly string[]): string => execFileSync('git', args, { cwd: ROOT, encoding: 'utf8' }).trim();
const say = (text: string): void => console.log(text);

if (import.meta.main) {
  try {
    main(process.argv.slice(2));
  } catch (error) {
    if (!(error instanceof ReleaseError)) throw error;
    console.error(error.message);
    process.exitCode = 1;
  }
}
