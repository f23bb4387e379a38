import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { eventsPage } from '../../tools/docs.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');

/** Put together here, so that this file does not contain them. */
const REGISTRY_HOSTS = [
  ['registry', 'npmjs', 'org'],
  ['registry', 'yarnpkg', 'com'],
  ['npm', 'pkg', 'github', 'com'],
  ['proxy', 'golang', 'org'],
  ['files', 'pythonhosted', 'org'],
].map((labels) => labels.join('.'));

const read = (file: string): string => readFileSync(join(ROOT, file), 'utf8');

/** Files that git tracks and are still there. */
function trackedFilesWith(text: string): readonly string[] {
  const found = spawnSync('git', ['grep', '--fixed-strings', '--files-with-matches', '-I', '-e', text], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  if (found.status !== 0 && found.status !== 1) throw new Error(`git grep failed: ${found.stderr}`);
  return found.stdout.split('\n').filter((file) => file !== '');
}

describe('the repository', () => {
  it('has a lockfile that names no place to download from', () => {
    expect(read('package-lock.json')).not.toContain('"resolved"');
  });

  it('has no file with the path of this checkout', () => {
    expect(trackedFilesWith(ROOT)).toEqual([]);
  });

  it.each(REGISTRY_HOSTS)('has no file that names the registry %s', (host) => {
    expect(trackedFilesWith(host)).toEqual([]);
  });

  it('has a docs/events.md that says what the taxonomy says', () => {
    expect(read('docs/events.md') === eventsPage(), 'run "npm run docs"').toBe(true);
  });

  it('is tested by .ci/run with the command of the README', () => {
    const command = /^(npm ci) && (npm test)$/m.exec(read('README.md'));
    expect(command).not.toBeNull();
    const steps = [...read('.ci/run').matchAll(/^step (.+)$/gm)].map((match) => match[1]);
    expect(steps.slice(0, 2)).toEqual(command?.slice(1));
  });
});
