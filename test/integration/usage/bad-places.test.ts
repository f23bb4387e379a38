import { execFileSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openDuckdbStore } from '../../../usage/store/duckdb/store.ts';
import { runCli, runCliToEnd } from '../../support/collector-process.ts';
import { tempDir } from '../../support/processes.ts';

let dir: Awaited<ReturnType<typeof tempDir>>;
let archive: string;
const EVENTS = 60_000;

beforeAll(async () => {
  dir = await tempDir('usage-places');
  archive = join(dir.path, 'events.ndjson');
  const lines = Array.from({ length: EVENTS }, (_, index) =>
    JSON.stringify({
      event: 'view.resource',
      event_id: `place-${index}-${(index * 2_654_435_761) % 4_294_967_296}`,
      created: Date.UTC(2026, 9, 1) + index * 1000,
      resource_type: 'dataset',
      resource_id: `d${(index * 7919) % 50_021}`,
      client_id: `client-${(index * 104_729) % 49_999}`,
      user_agent: 'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Firefox/128.0',
    }),
  );
  await writeFile(archive, `${lines.join('\n')}\n`);
});
afterAll(() => dir.remove());

test('on a full disk an import says so; with room again, the same import counts each event once', async () => {
  const disk = join(dir.path, 'disk');
  await mkdir(disk);
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=5m', 'tmpfs', disk]);
  try {
    const env = { DATA_DIR: disk };
    const full = await runCliToEnd(['usage', 'import', '--events', archive], env);
    expect(full.code).toBe(1);
    expect(full.stderr).toMatch(/space/i);
    execFileSync('mount', ['-o', 'remount,size=200m', disk]);
    const [row = ''] = (await runCli(['usage', 'import', '--events', archive], env)).trimEnd().split('\n');
    const { stored, known } = JSON.parse(row) as { stored: number; known: number };
    expect(stored + known).toBe(EVENTS);
    expect(JSON.parse(await runCli(['usage', 'rebuild'], env))).toEqual({ events: EVENTS });
  } finally {
    execFileSync('umount', [disk]);
  }
});

test('a store of a newer version, or held by a process that does not answer, is reported and left unchanged', async () => {
  const newer = join(dir.path, 'newer.duckdb');
  const store = await openDuckdbStore({ path: newer });
  await store.engine.run("UPDATE meta SET value = '99' WHERE name = 'version'");
  // This process holds it, and has no socket.
  const held = await runCliToEnd(['report', 'ir', '--from', '2026-10'], { USAGE_STORE: newer });
  expect([held.code, held.stderr]).toEqual([1, expect.stringContaining('newer.duckdb is in use by another process, which does not answer')]); // prettier-ignore
  await store.close();
  const refused = await runCliToEnd(['usage', 'import', '--events', archive], { USAGE_STORE: newer });
  expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining('is at version 99, made by a newer clowder-otel')]); // prettier-ignore
  const none = join(dir.path, 'none.duckdb');
  await writeFile(none, 'no database at all, and longer than its head would be'.repeat(100));
  const odd = await runCliToEnd(['usage', 'rebuild'], { USAGE_STORE: none });
  expect([odd.code, odd.stderr]).toEqual([1, expect.stringContaining('none.duckdb cannot be opened as a usage store')]);
});

test('a month that has not begun is refused, and the current month is reported with exception 3040', async () => {
  const now = new Date();
  const month = (ahead: number): string =>
    new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + ahead)).toISOString().slice(0, 7);
  const future = await runCliToEnd(['report', 'pr', '--from', month(2), '--events', archive]);
  expect([future.code, future.stderr]).toEqual([2, expect.stringContaining('has not begun yet')]);
  const going = await runCliToEnd(['report', 'pr', '--from', month(0), '--events', archive]);
  expect(going.code).toBe(0);
  expect(going.stderr).toContain('The report is not complete');
  expect(JSON.parse(going.stdout)).toMatchObject({
    Report_Header: { Exceptions: expect.arrayContaining([expect.objectContaining({ Code: 3040 })]) },
  });
});
