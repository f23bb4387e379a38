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

/** Lines of files tracked by git that hold the text, as `file:line`. */
function trackedLinesWith(text: string): readonly string[] {
  const args = ['grep', '--fixed-strings', '-I', '-e', text];
  const found = spawnSync('git', args, { cwd: ROOT, encoding: 'utf8' });
  if (found.status !== 0 && found.status !== 1) throw new Error(`git grep failed: ${found.stderr}`);
  return found.stdout.split('\n').filter((line) => line !== '');
}

/** Whether the line holds the path by itself: a checkout in /app is not meant by peer/app.py. */
function namesPath(line: string, path: string): boolean {
  const parts = line.slice(line.indexOf(':') + 1).split(path);
  return parts.slice(1).some((after, index) => !/[\w./-]$/.test(parts[index] ?? '') && !/^[\w.-]/.test(after));
}

describe('the repository', () => {
  it('has a lockfile that names no place to download from', () => {
    expect(read('package-lock.json')).not.toContain('"resolved"');
  });

  it('has no file with the path of this checkout', () => {
    expect(trackedLinesWith(ROOT).filter((line) => namesPath(line, ROOT))).toEqual([]);
  });

  it('tells the path of a checkout from a part of another path', () => {
    expect(namesPath("x.ts:const dir = '/app/data';", '/app')).toBe(true);
    expect(namesPath('x.ts:bench/peer/app.py', '/app')).toBe(false);
  });

  it.each(REGISTRY_HOSTS)('has no file that names the registry %s', (host) => {
    expect(trackedLinesWith(host)).toEqual([]);
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
