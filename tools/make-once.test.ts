import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { isMade, makeOnce } from './make-once.ts';

let dir = '';
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'make-once-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

const place = (name: string) => ({ directory: join(dir, `made-${name}`), prefix: join(dir, 'made-') });
const made = (): readonly string[] => readdirSync(dir).filter((name) => name !== 'made-lock' && name !== 'log');

/** A process that makes the directory with `make`, the body of a function of `work`. @returns how the process ended */
async function maker(make: string): Promise<number | NodeJS.Signals> {
  const program = `
    import { appendFileSync, writeFileSync } from 'node:fs';
    import { execFileSync } from 'node:child_process';
    import { makeOnce } from ${JSON.stringify(new URL('make-once.ts', import.meta.url).href)};
    const { directory, prefix } = ${JSON.stringify(place('a'))};
    const log = ${JSON.stringify(join(dir, 'log'))};
    makeOnce({ directory, prefix, make: (work) => { ${make} } });
    process.exit(0);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'inherit', 'ignore'],
  });
  const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
  return signal ?? code ?? -1;
}

test('if several processes make it at once, one does, and the others find it whole', async () => {
  // Starting this process gives the others time to arrive.
  const make = `
    appendFileSync(log, 'begin ');
    execFileSync(process.execPath, ['-e', '0']);
    writeFileSync(work + '/file', 'whole');
    appendFileSync(log, 'end ');`;
  expect(await Promise.all([maker(make), maker(make), maker(make)])).toEqual([0, 0, 0]);
  expect(readFileSync(join(dir, 'log'), 'utf8')).toBe('begin end ');
  expect(made()).toEqual(['made-a']);
  expect(readFileSync(join(dir, 'made-a', 'file'), 'utf8')).toBe('whole');
});

test('a process killed while making it blocks no other', async () => {
  expect(await maker(`process.kill(process.pid, 'SIGKILL')`)).toBe('SIGKILL');
  expect(isMade(place('a').directory)).toBe(false);
  expect(await maker(`writeFileSync(work + '/file', 'whole')`)).toBe(0);
  expect(isMade(place('a').directory)).toBe(true);
});

test('a failed attempt leaves nothing, and the next one makes it', () => {
  const fail = (): never => {
    throw new Error('no disk');
  };
  expect(() => makeOnce({ ...place('a'), make: fail })).toThrow('no disk');
  expect(made()).toEqual([]);
  makeOnce({ ...place('a'), make: (work) => writeFileSync(join(work, 'file'), '') });
  expect(made()).toEqual(['made-a']);
});

test('anything unused for a day is removed when another is made, and what was used stays', () => {
  const aDayAgo = new Date(Date.now() - 86_401_000);
  for (const name of ['old', 'old-but-used', 'half-made-Xy12']) {
    mkdirSync(place(name).directory);
    utimesSync(place(name).directory, aDayAgo, aDayAgo);
  }
  mkdirSync(place('new').directory);
  isMade(place('old-but-used').directory);
  makeOnce({ ...place('a'), make: () => undefined });
  expect(made()).toEqual(['made-a', 'made-new', 'made-old-but-used']);
  expect(existsSync(join(dir, 'made-lock'))).toBe(true);
});
