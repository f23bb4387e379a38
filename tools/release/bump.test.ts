import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { VERSION } from '../../runtime/version.ts';
import { nextVersion, PLACES, withRelease, withVersion } from './bump.ts';

const read = (file: string): string => readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8');

describe('the next version', () => {
  test.each([
    ['patch', '0.1.1'],
    ['minor', '0.2.0'],
    ['major', '1.0.0'],
    ['0.3.0-rc.1', '0.3.0-rc.1'],
  ])('after 0.1.0 by %s is %s', (wanted, next) => expect(nextVersion('0.1.0', wanted)).toBe(next));

  test.each([['0.1.0'], ['0.0.9'], ['soon'], ['1.2']])('is not %s', (wanted) => {
    expect(() => nextVersion('0.1.0', wanted)).toThrow(/0\.1\.0|is not a version/);
  });
});

test.each(PLACES.map((place) => [place.file, place] as const))(
  '%s names the version, and would name the next one',
  (file, place) => {
    const changed = withVersion(place, read(file), VERSION, '7.8.9');
    expect(changed).toContain('7.8.9');
    expect(changed.length - read(file).length).toBe(0);
    expect(() => withVersion(place, 'nothing', VERSION, '7.8.9')).toThrow(`${file} does not name the version`);
  },
);

test('no other file names the version of the image or the chart', () => {
  const known = new Set(PLACES.map(({ file }) => file));
  for (const file of ['README.md', 'docs/deploy.md', 'docs/operate.md', 'deploy/helm/clowder-otel/values.yaml'])
    if (!known.has(file)) expect(read(file)).not.toContain(`clowder-otel:${VERSION}`);
});

describe('the changelog', () => {
  const text = '# Changelog\n\n## [Unreleased]\n\n### Added\n\n- This.\n\n## [0.1.0] - 2026-01-01\n\n- That.\n';

  test('moves the unreleased entries under the version, and keeps an empty section for new ones', () => {
    expect(withRelease(text, '0.2.0', '2026-11-29')).toBe(
      '# Changelog\n\n## [Unreleased]\n\n## [0.2.0] - 2026-11-29\n\n### Added\n\n- This.\n\n## [0.1.0] - 2026-01-01\n\n- That.\n',
    );
  });

  test('without new entries is not released', () => {
    expect(() => withRelease('## [Unreleased]\n\n## [0.1.0]\n', '0.2.0', '2026-11-29')).toThrow(
      'nothing under Unreleased',
    );
  });
});
