import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeDirectory } from './directory.ts';

let parent: string;

beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), 'clowder-otel-directory-'));
});

afterEach(() => rmSync(parent, { recursive: true, force: true }));

describe('a directory', () => {
  it('is made with its parents, and may already exist', () => {
    const path = join(parent, 'a', 'b', 'c');
    makeDirectory(path, 0o700);
    makeDirectory(path, 0o700);
    for (const one of [path, join(parent, 'a')]) expect(statSync(one).mode & 0o777).toBe(0o700);
  });

  it('is refused below a file', () => {
    writeFileSync(join(parent, 'file'), '');
    expect(() => makeDirectory(join(parent, 'file', 'a', 'b'))).toThrow(/ENOTDIR/);
  });

  it('is refused at once if the file system allows none', () => {
    expect(() => makeDirectory('/proc/clowder-otel/data')).toThrow(/ENOENT|EACCES|EPERM/);
  });
});
