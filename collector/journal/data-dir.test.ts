import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DataDirError, lockDataDir } from './data-dir.ts';

const MODULE = new URL('./data-dir.ts', import.meta.url).href;
const HOLDER = `
  import { lockDataDir } from ${JSON.stringify(MODULE)};
  lockDataDir(process.argv[1]);
  gc();
  console.log('locked');
  setInterval(() => {}, 1000);
`;

let parent: string;
let dir: string;

beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), 'clowder-otel-lock-'));
  dir = join(parent, 'data');
});

afterEach(() => rmSync(parent, { recursive: true, force: true }));

function errorOf(lock: () => unknown): DataDirError {
  try {
    lock();
  } catch (error) {
    if (error instanceof DataDirError) return error;
    throw error;
  }
  throw new Error('the lock was given');
}

describe('lockDataDir', () => {
  it('makes a directory that only its user can read', () => {
    const lock = lockDataDir(dir);
    expect(statSync(dir).mode & 0o777).toBe(0o700);
    lock.release();
  });

  it('refuses a second lock until the first is released', () => {
    const lock = lockDataDir(dir);
    expect(errorOf(() => lockDataDir(dir)).code).toBe('data_dir_in_use');
    lock.release();
    lock.release();
    lockDataDir(dir).release();
  });

  it('names the process that holds the lock, which is free again once that process was killed', async () => {
    const holder = spawn(process.execPath, [
      '--expose-gc',
      '--disable-warning=ExperimentalWarning',
      '--input-type=module',
      '-e',
      HOLDER,
      dir,
    ]);
    await once(holder.stdout, 'data');
    const error = errorOf(() => lockDataDir(dir));
    expect(error.code).toBe('data_dir_in_use');
    expect(error.message).toContain(`DATA_DIR ${dir} `);
    expect(error.message).toContain(`process ${holder.pid}`);

    const exited = once(holder, 'exit');
    holder.kill('SIGKILL');
    await exited;
    lockDataDir(dir).release();
  });

  it('says that a directory below a regular file cannot be written', () => {
    const file = join(parent, 'file');
    writeFileSync(file, '');
    const error = errorOf(() => lockDataDir(join(file, 'data')));
    expect(error.code).toBe('data_dir_not_writable');
    expect(error.message).toContain(join(file, 'data'));
  });

  it('does not take an unusable lock file as a sign of another collector', () => {
    mkdirSync(join(dir, 'lock.db'), { recursive: true });
    expect(errorOf(() => lockDataDir(dir)).code).toBe('data_dir_not_writable');
  });
});
