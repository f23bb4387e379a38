import { execFileSync } from 'node:child_process';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openArchive } from '../../../sinks/services/file/archive.ts';
import { tempDir } from '../../support/processes.ts';
import { archiveLines, fileHarness } from '../../support/sinks/file.ts';
import { sinkContract } from './contract.ts';

sinkContract(fileHarness);

describe('the archive on a full disk', () => {
  test('has nothing of what did not fit, and goes on once there is room', async () => {
    await using stack = new AsyncDisposableStack();
    const temp = await tempDir('full-disk');
    stack.defer(temp.remove);
    try {
      execFileSync('/bin/mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', temp.path], { stdio: 'ignore' });
    } catch (error) {
      throw new Error(
        'No file system of its own for the full disk: mounting a tmpfs needs root. Run this test as root.',
        {
          cause: error,
        },
      );
    }
    stack.defer(() => void execFileSync('/bin/umount', [temp.path]));
    const filler = join(temp.path, 'filler');
    await writeFile(filler, Buffer.alloc(100_000));
    const log = { info: () => undefined, warn: () => undefined };
    const archive = openArchive({ directory: temp.path, maxBytes: 1e9, knownIds: 100, log, now: () => Date.now() });
    stack.defer(() => archive.close());
    const batch = (number: number) =>
      Array.from({ length: 40 }, (_, index) => ({ event_id: `e${number}-${index}`, filling: 'x'.repeat(1000) }));
    const idsOf = (events: readonly { event_id: string }[]): readonly string[] => events.map((event) => event.event_id);
    const stored = async (): Promise<readonly string[]> =>
      (await archiveLines(temp.path)).map((line) => (JSON.parse(line) as { event_id: string }).event_id);

    const accepted: string[] = [];
    let number = 0;
    await expect(
      (async () => {
        for (; ; number += 1) {
          await archive.append(batch(number));
          accepted.push(...idsOf(batch(number)));
        }
      })(),
    ).rejects.toMatchObject({ code: 'ENOSPC' });
    expect(number).toBeGreaterThan(1);
    expect(await stored()).toEqual(accepted);

    await rm(filler);
    await archive.append(batch(number));
    expect(await stored()).toEqual([...accepted, ...idsOf(batch(number))]);
  });
});
