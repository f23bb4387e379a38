/** Semantic Versioning without build metadata. */
const VERSION = /^(\d+)\.(\d+)\.(\d+)(?:-([0-9a-z]+(?:\.[0-9a-z]+)*))?$/i;
export const STEPS = ['major', 'minor', 'patch'] as const;

/** A release is not possible; the message says why. */
export class ReleaseError extends Error {
  override readonly name = 'ReleaseError';
}

/** The next version: a step from the present one, or a given version. @throws ReleaseError */
export function nextVersion(present: string, wanted: string): string {
  const [major = 0, minor = 0, patch = 0] = numbersOf(present);
  const steps: Readonly<Record<string, string>> = {
    major: `${major + 1}.0.0`,
    minor: `${major}.${minor + 1}.0`,
    patch: `${major}.${minor}.${patch + 1}`,
  };
  const next = steps[wanted] ?? wanted;
  if (!isAfter(next, present)) throw new ReleaseError(`${next} does not come after ${present}`);
  return next;
}

function isAfter(next: string, present: string): boolean {
  const [after, before] = [numbersOf(next), numbersOf(present)];
  const differs = after.findIndex((part, index) => part !== before[index]);
  return differs !== -1 && (after[differs] ?? 0) > (before[differs] ?? 0);
}

/** @throws ReleaseError */
function numbersOf(version: string): readonly number[] {
  const found = VERSION.exec(version);
  if (found === null)
    throw new ReleaseError(`${version} is not a version: it may be ${STEPS.join(', ')}, or such as 1.2.3`);
  return found.slice(1, 4).map(Number);
}

/** A file that contains the version, and in which form. */
interface Place {
  readonly file: string;
  /** All matches are replaced by `with`. */
  readonly find: (version: string) => RegExp;
  readonly with: (version: string) => string;
}

const literally = (version: string): string => version.replaceAll('.', String.raw`\.`);

/** Every place that names the version. */
export const PLACES: readonly Place[] = [
  { file: 'package.json', find: (v) => new RegExp(`^  "version": "${literally(v)}"`, 'm'), with: (v) => `  "version": "${v}"` },
  // The package itself, at the top and in the list of packages.
  { file: 'package-lock.json', find: (v) => new RegExp(`("name": "clowder-otel",\\n\\s+"version": )"${literally(v)}"`, 'g'), with: (v) => `$1"${v}"` },
  { file: 'runtime/version.ts', find: (v) => new RegExp(`VERSION = '${literally(v)}'`), with: (v) => `VERSION = '${v}'` },
  { file: 'deploy/helm/clowder-otel/Chart.yaml', find: (v) => new RegExp(`^((?:app)?[vV]ersion: )${literally(v)}$`, 'gm'), with: (v) => `$1${v}` },
  { file: 'docker-compose.yml', find: (v) => new RegExp(`(image: clowder-otel(?:-demo)?):${literally(v)}`, 'g'), with: (v) => `$1:${v}` },
  { file: 'docs/kubernetes.md', find: (v) => new RegExp(`clowder-otel:${literally(v)}`, 'g'), with: (v) => `clowder-otel:${v}` },
]; // prettier-ignore

/** @param present @param next versions @throws ReleaseError if the file does not name the present one */
export function withVersion(place: Place, text: string, present: string, next: string): string {
  const find = place.find(present);
  if (text.search(find) === -1) throw new ReleaseError(`${place.file} does not name the version ${present}`);
  return text.replace(find, place.with(next));
}

/**
 * The changelog with unreleased changes moved under the version. @param day such as 2026-11-29 @throws ReleaseError if there
 * are none
 */
export function withRelease(changelog: string, version: string, day: string): string {
  const [head = '', rest = ''] = changelog.split('## [Unreleased]\n', 2);
  const end = rest.search(/^## \[/m);
  const unreleased = (end === -1 ? rest : rest.slice(0, end)).trim();
  if (unreleased === '') throw new ReleaseError('CHANGELOG.md has nothing under Unreleased: what would be released?');
  return `${head}## [Unreleased]\n\n## [${version}] - ${day}\n${rest}`;
}
