import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { startCollector, runCli, runCliToEnd } from '../../support/collector-process.ts';
import { tempDir } from '../../support/processes.ts';
import { startStandIn } from '../../support/stand-in.ts';
import { page } from '../../support/usage/cases.ts';
import { seedId } from '../../stand-in/seeds.ts';
import { waitFor } from '../../support/wait-for.ts';

const FILE = '66f000000000000000000001';
const LOG = Array.from(
  { length: 50 },
  (_, index) =>
    `192.0.2.${index % 5} - - [05/Oct/2026:10:${String(index).padStart(2, '0')}:00 +0000] "GET /api/files/${FILE}/blob HTTP/1.1" 200 100 "-" "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"\n`,
).join('');

const rowsOf = (stdout: string): unknown[] =>
  stdout
    .trimEnd()
    .split('\n')
    .map((line): unknown => JSON.parse(line));

test('old access logs are imported once, exported, and imported elsewhere; a collector then answers with them', async () => {
  const dir = await tempDir('usage');
  // The data directory may not exist yet: an import may be the first command of all.
  const data = join(dir.path, 'data');
  const env = { DATA_DIR: data, AMQP_URL: 'amqp://127.0.0.1:1' };
  try {
    const log = join(dir.path, 'access.log');
    const archive = join(dir.path, 'access.log.2.gz');
    await writeFile(log, LOG);
    await writeFile(archive, gzipSync(LOG));
    const imported = rowsOf(await runCli(['usage', 'import', '--nginx', log, archive], env));
    expect(imported).toEqual([
      { file: log, lines: 50, stored: 50, known: 0, wrong: 0 },
      { file: archive, lines: 50, stored: 0, known: 50, wrong: 0 },
    ]);

    const out = join(dir.path, 'events.ndjson');
    expect(rowsOf(await runCli(['usage', 'export', '--out', out], env))).toEqual([{ file: out, events: 50 }]);
    expect((await readFile(out, 'utf8')).split('\n').length).toBe(51);
    expect(rowsOf(await runCli(['usage', 'rebuild'], env))).toEqual([{ events: 50 }]);

    await using collector = await startCollector({
      amqpUrl: env.AMQP_URL,
      env: { USAGE: 'on', USAGE_STORE: join(data, 'usage.duckdb') },
    });
    const answer = await waitFor(
      async () => {
        const response = await fetch(`${collector.url}/api/v1/stats?metric=downloads,bytes&from=2026-10&to=2026-10`);
        return response.ok && ((await response.json()) as { totals: object });
      },
      { what: 'usage to be asked' },
    );
    expect(answer.totals).toEqual({ downloads: 50, bytes: 5000 });

    // The collector's process holds the store and answers for it, as if the command had opened it.
    const running = { ...env, USAGE_STORE: join(data, 'usage.duckdb') };
    expect(rowsOf(await runCli(['usage', 'import', '--events', out], running))).toMatchObject([
      { stored: 0, known: 50 },
    ]);
    const report = (values: Record<string, string>): Promise<string> =>
      runCli(['report', 'ir', '--from', '2026-10'], values);
    const shared = await report(running);
    const again = join(dir.path, 'again.csv');
    expect(rowsOf(await runCli(['usage', 'export', '--format', 'csv', '--out', again], running))).toEqual([
      { file: again, events: 50 },
    ]);
    expect(rowsOf(await runCli(['usage', 'rebuild'], running))).toEqual([{ events: 50 }]);
    expect(rowsOf(await runCli(['usage', 'forget', '--user', 'ana'], running))).toEqual([
      { 'events that named them': 0 },
    ]);
    // The same report, byte for byte, from the running process, from files and from the store alone.
    expect(JSON.parse(shared)).toMatchObject({ Report_Header: { Report_ID: 'IR' } });
    expect(await runCli(['report', 'ir', '--from', '2026-10', '--events', out], env)).toBe(shared);
    await collector.kill();
    expect(await report(running)).toBe(shared);

    const elsewhere = { ...env, USAGE_STORE: join(dir.path, 'other.duckdb') };
    expect(rowsOf(await runCli(['usage', 'import', '--events', out], elsewhere))).toMatchObject([{ stored: 50 }]);
  } finally {
    await dir.remove();
  }
});

test('unreadable lines are named, and the rest is imported', async () => {
  const dir = await tempDir('usage');
  // Settings that only the collector needs do not stop these commands.
  const env = { DATA_DIR: dir.path, AMQP_URL: 'no url', PORT: 'none' };
  try {
    const path = join(dir.path, 'events.ndjson');
    const line = (id: string): string =>
      JSON.stringify({ event: 'user.login', event_id: id, created: 1_790_000_000_000, user_id: 'ana' });
    await writeFile(path, `${line('a')}\n{"event":"user\n${line('b')}\n`);
    const ended = await runCliToEnd(['usage', 'import', '--events', path], env);
    expect(ended.code).toBe(1);
    expect(ended.stderr).toContain(
      `${path}:2: it is not JSON\n1 lines or files could not be read; everything else is in the store`,
    );
    expect(rowsOf(ended.stdout)).toEqual([{ file: path, lines: 3, stored: 2, known: 0, wrong: 1 }]);
    // Events and logs in one command, each read as what it is; a broken file does not stop the others.
    const [log, cut] = [join(dir.path, 'access.log'), join(dir.path, 'cut.log.gz')];
    await writeFile(log, LOG);
    await writeFile(cut, gzipSync(LOG).subarray(0, 200));
    const both = await runCliToEnd(['usage', 'import', '--events', path, '--nginx', cut, log, path], env);
    expect(rowsOf(both.stdout)).toMatchObject([
      { file: path, stored: 0, known: 2, wrong: 1 },
      { file: cut, wrong: 0 },
      { file: log, lines: 50, wrong: 0 },
      { file: path, lines: 3, stored: 0, wrong: 3 },
    ]);
    expect([both.code, both.stderr]).toEqual([1, expect.stringMatching(/cut\.log\.gz:\d+: the gzip ends too early/)]);
    expect(both.stderr).toContain(`${path}:1: it has neither the format of clowder.json nor that of combined\n`);
    for (const [args, said] of [
      [['usage', 'import'], 'usage import needs --events PATH… or --nginx FILE…'],
      [['usage', 'import', '--events', '/no/such/file'], '/no/such/file cannot be read: '],
      [['usage', 'export', '--out', '/tmp/x', '--from', '2026-13'], '--from was 2026-13; may be a month'],
      [['usage', 'forget', '--user', ' '], '--user was empty; may be the id of a user'],
      [['usage', 'catalog', 'fetch'], 'CATALOG_URL is not set'],
      [['report', 'push'], 'REPORT_HUB_TOKEN is not set'],
    ] as const) {
      const wrong = await runCliToEnd(args, env);
      expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringContaining(said)]);
    }
  } finally {
    await dir.remove();
  }
});

test('what Clowder knows of datasets is fetched into the store, and written as a catalog for reports from files', async () => {
  const dir = await tempDir('usage-catalog');
  await using clowder = await startStandIn('v1');
  try {
    const env = { DATA_DIR: dir.path, CATALOG_URL: clowder.url, CLOWDER_VERSION: 'v1' };
    const [events, out] = [join(dir.path, 'events.ndjson'), join(dir.path, 'catalog.ndjson')];
    const dataset = seedId('dataset', 200);
    await writeFile(events, `${JSON.stringify(page('10:00:00', { user_id: 'ana' }, dataset))}\n`);
    await runCli(['usage', 'import', '--events', events], env);
    const fetched = rowsOf(await runCli(['usage', 'catalog', 'fetch', '--max-age', '0s', '--out', out], env));
    expect(fetched).toMatchObject([{ datasets: 1, fetched: 1, failed: 0 }]);
    // The store's report has the title without more; the report of files with the catalog is the same, byte for byte.
    const report = await runCli(['report', 'ir', '--from', '2026-10'], env);
    expect(report).toContain('"Item": "dataset-200"');
    const args = ['report', 'ir', '--from', '2026-10', '--events', events, '--catalog', out];
    expect(await runCli(args, env)).toBe(report);
  } finally {
    await dir.remove();
  }
});
