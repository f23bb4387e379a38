import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { MissingToolError, setUpTools } from './setup.ts';
import type { TestTool } from './test-tools.ts';

const SETUP = fileURLToPath(new URL('setup.ts', import.meta.url));

function failing(tool: TestTool): Error {
  try {
    setUpTools('test', [tool]);
  } catch (error) {
    if (error instanceof Error) return error;
  }
  throw new Error('it did not fail');
}

describe('setting up the test tools', () => {
  beforeEach(() => {
    vi.spyOn(console, 'log').mockImplementation(() => {});
    return () => vi.restoreAllMocks();
  });

  it('does nothing about an existing tool', () => {
    const build = (): void => expect.unreachable();
    setUpTools('test', [
      { name: 'Anvil', neededBy: ['test'], find: () => '/bin/anvil', get: { build, takes: 'long' } },
    ]);
  });

  it('does nothing about a tool that the purpose does not need', () => {
    const build = (): void => expect.unreachable();
    setUpTools('test', [{ name: 'Anvil', neededBy: ['bench'], find: () => undefined, get: { build, takes: 'long' } }]);
  });

  it('names a tool that could not be built, why, and what to do, in one line', () => {
    const build = (): never => {
      throw new Error('it is built with Go, which is not on PATH; install Go\nand more');
    };
    const error = failing({ name: 'Anvil', neededBy: ['test'], find: () => undefined, get: { build, takes: 'long' } });
    expect(error).toBeInstanceOf(MissingToolError);
    expect(error.message).toMatch(
      /^Anvil is missing: .*not on PATH; install Go .*setup\.log\); put that right and run this again$/,
    );
  });

  it('refuses an unknown purpose with exit code 2', async () => {
    const run = promisify(execFile)(process.execPath, [SETUP, 'party']);
    await expect(run).rejects.toMatchObject({ code: 2, stderr: expect.stringContaining('"party"') });
  });
});
