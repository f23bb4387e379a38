import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { relativeLinks } from './refusals.ts';

const ROOT = new URL('../../', import.meta.url);
const REPOSITORY = 'https://github.com/clowder-framework/clowder-otel';

/** Links on pages that the registry shows lead to the repository by its address. */
test.each(['README.md', 'instrumentation/README.md'])('%s links to existing files', (page) => {
  const text = readFileSync(new URL(page, ROOT), 'utf8');
  const links = [...text.matchAll(/\]\((https:[^)#\s]+)/g)].map(([, link = '']) => link);
  const ours = links.filter((link) => link.startsWith(`${REPOSITORY}/`));
  expect(ours.length).toBeGreaterThan(1);
  for (const link of ours) {
    const path = link.slice(REPOSITORY.length).replace(/^\/(?:blob|tree)\/main\//, '');
    expect([link, existsSync(fileURLToPath(new URL(path, ROOT)))]).toEqual([link, true]);
  }
});

test.each(['README.md', 'instrumentation/README.md'])('%s has no link that leads nowhere on the registry', (page) => {
  expect(relativeLinks(readFileSync(new URL(page, ROOT), 'utf8'))).toEqual([]);
});

test('package.json names the repository that the pages link to', () => {
  const { repository } = JSON.parse(readFileSync(new URL('package.json', ROOT), 'utf8')) as {
    repository: { url: string };
  };
  expect(repository.url).toBe(`git+${REPOSITORY}.git`);
});
