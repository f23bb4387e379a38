import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { toolPath } from '../support/tools.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const WORKFLOWS = readdirSync(join(ROOT, '.github/workflows'));
const scripts = Object.keys(
  (JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { scripts: object }).scripts,
);

test('actionlint accepts the workflows', () => {
  const { status, stdout, stderr } = spawnSync(toolPath('actionlint'), ['-no-color', '-shellcheck=', '-pyflakes='], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  expect({ status, said: stdout + stderr }).toEqual({ status: 0, said: '' });
});

test.each(WORKFLOWS)('%s runs only scripts that package.json has', (name) => {
  const text = readFileSync(join(ROOT, '.github/workflows', name), 'utf8');
  for (const [, script = ''] of text.matchAll(/npm run (?:-s )?([\w:]+)/g)) expect(scripts).toContain(script);
});
