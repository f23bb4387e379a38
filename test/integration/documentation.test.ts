import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cli } from '../support/cli.ts';
import { startCollector, type CollectorProcess } from '../support/collector-process.ts';
import { startProcess, tempDir } from '../support/processes.ts';
import { openVhost, type VirtualHost } from '../support/virtual-host.ts';
import { PYTHON } from '../support/tools.ts';

/** The pages' commands, as functions that run this checkout. */
const SHELL = `set -euo pipefail
clowder-otel() { "${process.execPath}" ${cli().join(' ')} "$@"; }
npm() { shift 4; clowder-otel "$@"; }
`;
/** Lines that the test replaces or skips: they install, start what already runs, never end, or need another tool. */
const OTHERWISE = /npm ci|npm start|events tail|\| jq/;

let broker: VirtualHost;
let collector: CollectorProcess;
let work: Awaited<ReturnType<typeof tempDir>>;
let key: string;

beforeAll(async () => {
  work = await tempDir('docs');
  await mkdir(join(work.path, 'data'));
  await writeFile(join(work.path, 'events.json'), '[{"event": "file.deleted", "file_id": "from-a-file"}]');
  broker = await openVhost();
  collector = await startCollector({ amqpUrl: broker.url, dataDir: join(work.path, 'data') });
});

afterAll(async () => {
  await collector.stop();
  await broker[Symbol.asyncDispose]();
  await work.remove();
});

/** The page's blocks in a language, with this test's collector and broker in place of the usual ones. */
function blocks(page: string, language: string): readonly string[] {
  const text = readFileSync(new URL(`../../docs/${page}.md`, import.meta.url), 'utf8');
  return [...text.matchAll(new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\`$`, 'gm'))].map((match) =>
    (match[1] ?? '')
      .replaceAll('http://127.0.0.1:4318', collector.url)
      .replaceAll('amqp://guest:guest@127.0.0.1:5672', broker.url),
  );
}

/** Runs a block in a shell; fails if one of its commands does. */
async function run(block: string, env: Record<string, string> = {}): Promise<string> {
  const lines = block.split('\n').filter((line) => !OTHERWISE.test(line));
  const { stdout } = await promisify(execFile)('bash', ['-c', SHELL + lines.join('\n')], {
    cwd: work.path,
    env: { ...process.env, DATA_DIR: collector.dataDir, PORT: String(collector.port), AMQP_URL: broker.url, ...env },
  });
  return stdout;
}

async function runAll(page: string, env: Record<string, string> = {}): Promise<readonly string[]> {
  const outputs: string[] = [];
  for (const block of blocks(page, 'sh')) outputs.push(await run(block, env));
  return outputs;
}

async function history(): Promise<readonly Record<string, unknown>[]> {
  const { stdout } = await promisify(execFile)(process.execPath, [...cli(), 'events', 'list', '--limit', '1000'], {
    env: { ...process.env, DATA_DIR: collector.dataDir },
  });
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

describe('the pages, read from the first to the last', () => {
  test('getting-started: the event is accepted as shown', async () => {
    const outputs = await runAll('getting-started');
    const shown = JSON.parse(blocks('getting-started', 'json')[0] ?? '') as object;
    const answers = outputs.filter((output) => output.startsWith('{"accepted"'));
    expect(answers).toHaveLength(1);
    expect(JSON.parse(answers[0] ?? '')).toEqual({ ...shown, ids: [expect.any(String)] });
    expect(await history()).toMatchObject([{ event: 'file.uploaded', file_name: 'a.csv', bytes: 1024, source: 'api' }]);
  });

  test('getting-started: the consumer in Python prints it', async () => {
    const [program = ''] = blocks('getting-started', 'python');
    await using consumer = await startProcess(PYTHON, ['-u', '-c', program], {
      ready: (output) => output.includes('\n'),
    });
    expect(consumer.output()).toMatch(/^\d{13} upload file 5f1e00000000000000000001$/m);
  });

  test('events-api: a key is made, and every request does what the page says', async () => {
    const [made, ...requests] = blocks('events-api', 'sh');
    ({ key } = JSON.parse(await run(made ?? '')) as { key: string });
    const before = (await history()).length;
    const answers: unknown[] = [];
    for (const request of requests) answers.push(JSON.parse(await run(request, { KEY: key })));
    expect(answers).toEqual(
      requests.map(() => ({ accepted: 1, duplicates: 0, ids: [expect.any(String)], rejected: [] })),
    );
    expect((await history()).slice(before)).toMatchObject([
      { event: 'extraction.done', extractor_name: 'ncsa.wordcount', duration_ms: 1520 },
      { event: 'file.deleted', file_id: 'from-a-file' },
      {
        event: 'dataset.created',
        event_id: expect.stringMatching(/^[0-9a-f]{32}$/),
        resource_id: '5f1e00000000000000000002',
      },
    ]);
  });

  test('send-otlp: by curl and by Python, each produces its event', async () => {
    const before = (await history()).length;
    const curl = blocks('send-otlp', 'sh').filter((block) => block.startsWith('curl'));
    expect(curl).toHaveLength(1);
    expect(await run(curl[0] ?? '', { KEY: key })).toBe('{}');
    const [program = ''] = blocks('send-otlp', 'python');
    const withKey = program.replace('headers={', `headers={"authorization": "Bearer ${key}", `);
    const { stdout } = await promisify(execFile)(PYTHON, ['-c', withKey]);
    expect(stdout).toBe('200 {}\n');
    const event = { event: 'extraction.done', file_id: '5f1e00000000000000000001', extractor_name: 'ncsa.wordcount' };
    expect((await history()).slice(before)).toMatchObject([event, event]);
  });

  test('operate: every command of the command line exits with 0', async () => {
    const commands = blocks('operate', 'sh').flatMap((block) => block.split('\n').filter((line) => line !== ''));
    expect(commands.length).toBeGreaterThan(6);
    const made = await run('clowder-otel keys add --name ops --scope admin --json');
    const { key: admin } = JSON.parse(made) as { key: string };
    for (const command of commands) await run(command.replace(/ #(?=.*--key KEY)/, ` --key ${admin} #`));
    const listed = await run('clowder-otel keys list');
    expect(listed.match(/"name":"weekly-report"/g)).toHaveLength(2);
  });

  test('scale: the journal of a collector that is gone is drained', async () => {
    const gone = await startCollector({ amqpUrl: 'amqp://127.0.0.1:1' });
    const event = JSON.stringify({ event: 'file.deleted', file_id: 'of the one that is gone' });
    const headers = { 'content-type': 'application/json' };
    await fetch(`${gone.url}/api/v1/events`, { method: 'POST', headers, body: event });
    await gone.kill('SIGKILL');
    const [drain = ''] = blocks('scale', 'sh');
    expect(await run(drain.replace('/mnt/collector-2', gone.dataDir))).toBe('{"confirmed":1,"still held":0}\n');
    await gone.stop();
  });
});
