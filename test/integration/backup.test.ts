import { existsSync } from 'node:fs';
import { appendFile, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runCliToEnd, startCollector, type CliResult } from '../support/collector-process.ts';
import { tempDir } from '../support/processes.ts';
import { waitFor } from '../support/wait-for.ts';

let dir: Awaited<ReturnType<typeof tempDir>>;
beforeAll(async () => {
  dir = await tempDir('backup');
});
afterAll(() => dir.remove());

/** Posts events until it is stopped. @returns ids in the order in which they were acknowledged */
function postWithoutEnd(url: string, key: string): { readonly acknowledged: readonly string[]; stop(): Promise<void> } {
  const acknowledged: string[] = [];
  const stop = new AbortController();
  const post = async (sender: number): Promise<void> => {
    for (let batch = 0; !stop.signal.aborted; batch += 1) {
      const ids = Array.from({ length: 20 }, (_, index) => `s${sender}-${batch}-${index}`);
      const response = await fetch(`${url}/api/v1/events`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
        body: JSON.stringify(
          ids.map((event_id) => ({ event_id, event: 'file.uploaded', file_id: event_id, bytes: 1 })),
        ),
      });
      if (response.status === 202) acknowledged.push(...ids);
    }
  };
  const posting = [1, 2, 3, 4].map((sender) => post(sender));
  return {
    acknowledged,
    async stop() {
      stop.abort();
      await Promise.all(posting);
    },
  };
}

const rowsOf = (text: string): Record<string, unknown>[] =>
  text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);

describe('a backup of a collector under load', () => {
  const backup = (): string => join(dir.path, 'made');
  const restored = (): string => join(dir.path, 'restored');
  let before: readonly string[];
  let keyId: unknown;
  let ended: CliResult;

  beforeAll(async () => {
    await using collector = await startCollector({
      amqpUrl: 'amqp://127.0.0.1:1',
      dataDir: join(dir.path, 'data'),
      env: { USAGE: 'true' },
    });
    const made = await runCliToEnd(['keys', 'add', '--name', 'sender', '--scope', 'ingest', '--rate', '1000000'], {
      DATA_DIR: join(dir.path, 'data'),
    });
    const { id, key } = JSON.parse(made.stdout) as { id: string; key: string };
    keyId = id;
    const load = postWithoutEnd(collector.url, key);
    await waitFor(() => load.acknowledged.length > 2000, { what: 'some events' });
    const counted = async (): Promise<boolean> => {
      const body = (await (await fetch(`${collector.url}/readyz`)).json()) as {
        checks: { usage?: { counted_until: string | null } };
      };
      return typeof body.checks.usage?.counted_until === 'string';
    };
    await waitFor(counted, { what: 'the first events to be counted' });
    before = [...load.acknowledged];
    ended = await runCliToEnd(['backup', backup()], { DATA_DIR: join(dir.path, 'data') });
    const during = load.acknowledged.length;
    // The collector went on during the backup.
    await waitFor(() => load.acknowledged.length > during, { what: 'events after the backup' });
    await load.stop();
  });

  test('lists its files, and is made while events come in', () => {
    expect(ended).toMatchObject({ code: 0, stderr: '' });
    expect(rowsOf(ended.stdout).map(({ file }) => file)).toEqual(['keys.db', 'usage.duckdb', 'journal.db']);
  });

  test('has everything acknowledged before it, in a directory that only its user can read', async () => {
    expect((await stat(backup())).mode & 0o777).toBe(0o700);
    const done = await runCliToEnd(['restore', backup()], { DATA_DIR: restored() });
    expect(done).toMatchObject({ code: 0, stderr: '' });
    const listed = await runCliToEnd(['events', 'list', '--limit', '1000000'], { DATA_DIR: restored() });
    const ids = new Set(rowsOf(listed.stdout).map((row) => row['event_id']));
    expect(before.length).toBeGreaterThan(2000);
    expect(before.filter((id) => !ids.has(id))).toEqual([]);
  });

  test('restores the keys that senders use, and a journal and usage store that a collector can go on with', async () => {
    const keys = await runCliToEnd(['keys', 'list'], { DATA_DIR: restored() });
    expect(rowsOf(keys.stdout)).toMatchObject([{ id: keyId, name: 'sender', revoked: null }]);
    await using collector = await startCollector({
      amqpUrl: 'amqp://127.0.0.1:1',
      dataDir: restored(),
      env: { USAGE: 'true' },
    });
    const usage = async (): Promise<unknown> =>
      ((await (await fetch(`${collector.url}/readyz`)).json()) as { checks: { usage: unknown } }).checks.usage;
    await waitFor(async () => ((await usage()) as { ok: boolean; counted_until: unknown }).counted_until !== null, {
      what: 'usage to be counted again',
    });
    expect(await usage()).toMatchObject({ ok: true });
  });

  test('never overwrites; a restore also refuses a running collector and files that are not an intact backup', async () => {
    const again = await runCliToEnd(['restore', backup()], { DATA_DIR: restored() });
    expect(again).toMatchObject({ code: 2, stderr: expect.stringMatching(/exists: move it away first/) });
    expect(await runCliToEnd(['backup', backup()], { DATA_DIR: restored() })).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/exists: name a new directory/),
    });
    await using collector = await startCollector({ amqpUrl: 'amqp://127.0.0.1:1', dataDir: join(dir.path, 'running') });
    expect(collector.port).toBeGreaterThan(0);
    expect(await runCliToEnd(['restore', backup()], { DATA_DIR: join(dir.path, 'running') })).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/is in use by another collector/),
    });
    expect(await runCliToEnd(['restore', dir.path], { DATA_DIR: join(dir.path, 'x') })).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/is not a backup/),
    });
    await appendFile(join(backup(), 'journal.db'), 'x');
    const changed = await runCliToEnd(['restore', backup()], { DATA_DIR: join(dir.path, 'other') });
    expect(changed).toMatchObject({ code: 2, stderr: expect.stringMatching(/journal\.db is not what was backed up/) });
    expect(existsSync(join(dir.path, 'other', 'journal.db'))).toBe(false);
    expect(JSON.parse(await readFile(join(backup(), 'backup.json'), 'utf8'))).toMatchObject({ format: 1 });
  });
});
