import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { lockDataDir } from '../collector/journal/data-dir.ts';
import { openJournal, type Journal } from '../collector/journal/journal.ts';
import { listen } from '../runtime/listener.ts';
import { waitFor } from '../test/support/wait-for.ts';
import { run as runProgram } from './program.ts';

const MAIN = ['--disable-warning=ExperimentalWarning', fileURLToPath(new URL('main.ts', import.meta.url))];
/** Settings in this test's own environment must not reach the commands. */
const CLEAN = { AMQP_URL: undefined, HOST: undefined, PORT: undefined };

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'clowder-otel-cli-'));
});
afterAll(() => rmSync(dir, { recursive: true }));

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Runs a command in this process. @returns its output and exit code */
async function run(args: readonly string[], env: Record<string, string> = {}): Promise<Ended> {
  const ended = { out: '', err: '' };
  const take = (stream: 'out' | 'err') => (chunk: unknown) => {
    ended[stream] += String(chunk);
    return true;
  };
  vi.spyOn(process.stdout, 'write').mockImplementation(take('out'));
  vi.spyOn(process.stderr, 'write').mockImplementation(take('err'));
  for (const [name, value] of Object.entries({ ...CLEAN, DATA_DIR: join(dir, 'none'), ...env }))
    vi.stubEnv(name, value);
  try {
    return { code: await runProgram(['node', 'clowder-otel', ...args]), ...ended };
  } finally {
    vi.restoreAllMocks();
    vi.unstubAllEnvs();
  }
}

/** Runs a command as a process, which pipes and signals need. */
function start(args: readonly string[], env: Record<string, string>): ChildProcessByStdio<null, Readable, Readable> {
  return spawn(process.execPath, [...MAIN, ...args], {
    env: { ...process.env, ...CLEAN, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

const rowsOf = ({ out }: Ended): Record<string, unknown>[] =>
  out
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);

describe('help', () => {
  test.each([
    [[], /collector.*proxy.*keys.*events.*rejected.*config/s],
    [['collector'], /Usage: clowder-otel collector/],
    [['keys'], /add.*list.*revoke/s],
    [['keys', 'add'], /--name <name>.*--scope <scopes\.\.\.>.*--rate <requests>.*default: 1000/s],
    [['keys', 'list'], /Usage: clowder-otel keys list/],
    [['keys', 'revoke'], /id of the key, or its name if no other key has it/],
    [['keys', 'rotate'], /how long the old key stays valid/],
    [['events'], /list.*tail.*replay/s],
    [['events', 'list'], /--since <time>.*90s, 15m, 6h, 7d.*--limit <n>/s],
    [['events', 'tail'], /--since <time>.*--type <type\.\.\.>/s],
    [['events', 'replay'], /--to-broker/],
    [['rejected'], /list.*replay/s],
    [['rejected', 'list'], /--limit <n>/],
    [['rejected', 'replay'], /--key <key>/],
    [['config'], /check/],
    [['config', 'check'], /check all settings/],
  ])('of "%s" says what it does, exit 0', async (args, said) => {
    const ended = await run([...args, '--help']);
    expect(ended).toMatchObject({ code: 0, err: '' });
    expect(ended.out).toMatch(/^Usage: clowder-otel/);
    expect(ended.out).toMatch(said);
  });
});

describe('wrong usage: exit 2, nothing on standard output, and what to do', () => {
  test.each([
    [[], /Usage: clowder-otel/],
    [['nonsense'], /unknown command 'nonsense'.*--help/s],
    [['keys'], /Usage: clowder-otel keys/],
    [['keys', 'add', '--name', 'n'], /required option '--scope <scopes\.\.\.>' not specified/],
    [
      ['keys', 'add', '--name', 'n', '--scope', 'write'],
      /^--scope was write; may be ingest, capture, read, browser, counter, admin\n$/,
    ],
    [['keys', 'add', '--name', 'n', '--scope', 'read', '--rate', '0'], /'--rate <requests>' argument '0' is invalid/],
    [['keys', 'revoke'], /missing required argument 'id'/],
    [['events', 'list', '--limit', 'ten'], /'--limit <n>' argument 'ten' is invalid. It must be an integer from 1 on/],
    [
      ['events', 'list'],
      /^DATA_DIR .* holds no journal: start the collector once, or set DATA_DIR to where it runs\n$/,
    ],
    [['events', 'tail', '--until', '6h'], /unknown option '--until'/],
    [['events', 'replay', '--since', '6h'], /^events replay needs --to-broker/],
    [['events', 'replay', '--to-broker'], /^events replay needs --since, e\.g\. --since 6h/],
    [['rejected', 'replay', 'x'], /^x is not an id of a rejected event: rejected list shows them\n$/],
  ])('%s', async (args, said) => {
    const ended = await run(args);
    expect(ended).toMatchObject({ code: 2, out: '' });
    expect(ended.err).toMatch(said);
  });

  test('wrong settings, with any command', async () => {
    for (const args of [['collector'], ['config', 'check'], ['keys', 'list']]) {
      const ended = await run(args, { PORT: 'x', ON_UNROUTABLE: 'y' });
      expect(ended).toMatchObject({ code: 2, out: '' });
      expect(ended.err).toMatch(/^The configuration is wrong:\n {2}PORT was "x".*\n {2}ON_UNROUTABLE was "y".*\n$/);
    }
  });
});

describe('config check', () => {
  test('prints every setting as it would be used, with the password hidden', async () => {
    const file = join(dir, 'config.yaml');
    writeFileSync(file, 'PORT: 0\nGRPC_PORT: 0\nLOG_LEVEL: warn\nAMQP_URL: amqp://u:s3cret@h\n');
    const ended = await run(['--config', file, 'config', 'check'], { LOG_LEVEL: 'error' });
    expect(ended.code).toBe(0);
    const values = Object.fromEntries(rowsOf(ended).map(({ name, value }) => [String(name), value]));
    expect(values).toMatchObject({
      PORT: '0',
      LOG_LEVEL: 'error',
      HOST: '127.0.0.1',
      AMQP_URL: 'amqp://u:***@h',
      ON_UNKNOWN_KEY: 'refuse',
    });
  });

  test('names a port that another program uses, unless that is the collector with the same DATA_DIR', async () => {
    const other = await listen(createServer(), { host: '127.0.0.1', port: 0 });
    const env = { DATA_DIR: join(dir, 'ports'), PORT: new URL(other.url).port, GRPC_PORT: 'off' };
    try {
      expect(await run(['config', 'check'], env)).toMatchObject({
        code: 2,
        out: '',
        err: expect.stringContaining(`PORT ${env.PORT} of 127.0.0.1 is in use by another program`),
      });
      const lock = lockDataDir(env.DATA_DIR);
      expect(await run(['config', 'check'], env)).toMatchObject({ code: 0 });
      lock.release();
    } finally {
      await other.close();
    }
  });
});

describe('keys', () => {
  test('are made, shown once, listed without the secret, and revoked by id or name', async () => {
    const env = { DATA_DIR: join(dir, 'keys') };
    const made = rowsOf(await run(['keys', 'add', '--name', 'n', '--scope', 'ingest', 'read', '--rate', '7'], env))[0];
    expect(made).toEqual({
      id: expect.stringMatching(/^[0-9a-f]{12}$/) as string,
      name: 'n',
      scopes: ['ingest', 'read'],
      rate: 7,
      key: expect.stringMatching(/^clo_/) as string,
    });
    const second = rowsOf(await run(['keys', 'add', '--name', 'm', '--scope', 'browser'], env))[0];
    const listed = await run(['keys', 'list'], env);
    expect(rowsOf(listed)).toMatchObject([
      { id: made?.['id'], name: 'n', scopes: 'ingest,read', rate: 7, revoked: null },
      { id: second?.['id'], name: 'm', scopes: 'browser', rate: 1000, revoked: null },
    ]);
    expect(listed.out).not.toContain('clo_');
    expect(await run(['keys', 'revoke', String(made?.['id'])], env)).toMatchObject({ code: 0, out: '' });
    expect(await run(['keys', 'revoke', 'm'], env)).toMatchObject({ code: 0 });
    const both = rowsOf(await run(['keys', 'list'], env));
    expect(both.map(({ revoked }) => typeof revoked)).toEqual(['string', 'string']);
  });

  test('are rotated: a new key with the same name is shown, and the old one stays valid for the given time', async () => {
    const env = { DATA_DIR: join(dir, 'rotated') };
    const add = ['keys', 'add', '--name', 'n', '--scope', 'ingest', '--rate', '7'];
    const former = rowsOf(await run(add, env))[0];
    expect(await run(add, env)).toMatchObject({
      code: 1,
      err: expect.stringMatching(/has the name n: choose another/),
    });
    const rotated = await run(['keys', 'rotate', 'n', '--keep', '1h'], env);
    expect(rowsOf(rotated)).toEqual([
      { ...former, id: expect.not.stringMatching(String(former?.['id'])), key: expect.stringMatching(/^clo_/) },
    ]);
    expect(rotated.err).toMatch(/^Key [0-9a-f]{12} \(n\) stays valid until \d{4}-.*Z\.\n$/);
    expect(await run(['keys', 'rotate', 'n', '--keep', 'soon'], env)).toMatchObject({ code: 2 });
  });

  test('that were rotated are named when their successor is revoked, and can be revoked by id', async () => {
    const env = { DATA_DIR: join(dir, 'leaked') };
    const former = rowsOf(await run(['keys', 'add', '--name', 'n', '--scope', 'ingest'], env))[0];
    await run(['keys', 'rotate', 'n'], env);
    const revoked = await run(['keys', 'revoke', 'n'], env);
    expect(revoked.err).toContain(`To end it now, run "keys revoke ${String(former?.['id'])}"`);
    expect(await run(['keys', 'revoke', String(former?.['id'])], env)).toMatchObject({ code: 0 });
    const keys = rowsOf(await run(['keys', 'list'], env));
    expect(keys.filter(({ revoked: at }) => Date.parse(String(at)) > Date.now())).toEqual([]);
  });

  test('that do not exist cannot be revoked: exit 1', async () => {
    const ended = await run(['keys', 'revoke', 'nobody'], { DATA_DIR: join(dir, 'keys') });
    expect(ended).toMatchObject({
      code: 1,
      out: '',
      err: 'No key in use has the id or name nobody: "keys list" shows the keys\n',
    });
  });
});

describe('the journal', () => {
  let journal: Journal;
  let env: Record<string, string>;
  const event = (id: number, type: string): string =>
    JSON.stringify({ event_id: `e${id}`, event: type, created: 1_790_000_000_000 + id });

  beforeAll(async () => {
    const dataDir = mkdtempSync(join(dir, 'journal-'));
    env = { DATA_DIR: dataDir };
    journal = await openJournal({ dir: dataDir, maxBytes: 100_000_000 });
    await journal.write({ append: [event(1, 'file.uploaded'), event(2, 'view.page')] });
    await journal.write({ append: [event(3, 'file.uploaded')] });
    const rejected = {
      atMs: Date.UTC(2026, 8, 21),
      code: 'invalid_event',
      message: 'file_id is missing',
      origin: 'otlp-logs',
    };
    await journal.write({ reject: [{ ...rejected, record: '{"event":"file.uploaded"}' }] });
  });
  afterAll(() => journal.close());

  const idsOf = (ended: Ended): string =>
    rowsOf(ended)
      .map((row) => String(row['event_id']))
      .join();

  test.each([
    [[], 'e1,e2,e3'],
    [['--limit', '2'], 'e2,e3'],
    [['--type', 'file.uploaded'], 'e1,e3'],
    [['--type', 'file.uploaded', 'view.page', '--limit', '1'], 'e3'],
    [['--since', '1h'], 'e1,e2,e3'],
    [['--until', '1h'], ''],
    [['--since', '2020-01-01', '--until', '2020-01-02'], ''],
  ])('is listed with the latest event last: %s', async (args, ids) => {
    const ended = await run(['events', 'list', ...args], env);
    expect(ended).toMatchObject({ code: 0, err: '' });
    expect(idsOf(ended)).toBe(ids);
  });

  test.each([
    [['--type', 'file.exploded'], /^--type was file\.exploded; may be file\.uploaded, /],
    [['--since', '6'], /^--since was 6; may be RFC 3339, Unix milliseconds, or an age: 90s, 15m, 6h, 7d\n$/],
    [['--until', 'now'], /^--until was now; may be/],
  ])('is not listed for wrong arguments: %s', async (args, said) => {
    for (const command of [['list'], ['replay', '--to-broker', '--since', '1h']]) {
      const ended = await run(['events', ...command, ...args], { ...env, AMQP_URL: 'amqp://127.0.0.1:1' });
      expect(ended).toMatchObject({ code: 2, out: '' });
      expect(ended.err).toMatch(said);
    }
  });

  test('is listed for a reader that stops reading, without an error', async () => {
    const lines = Array.from({ length: 2000 }, (_, index) => event(1000 + index, 'view.page'));
    await journal.write({ append: lines });
    const child = start(['events', 'list', '--limit', '2000', '--type', 'view.page'], env);
    let err = '';
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => (err += chunk));
    child.stdout.once('data', () => child.stdout.destroy());
    const [code] = (await once(child, 'close')) as [number | null];
    expect({ code, err }).toEqual({ code: 0, err: '' });
  });

  test('is followed: past events first, then new ones, until SIGINT', async () => {
    const child = start(['events', 'tail', '--since', '1h', '--type', 'file.uploaded'], env);
    let out = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => (out += chunk));
    const ids = (): string => idsOf({ code: null, out: out.slice(0, out.lastIndexOf('\n') + 1), err: '' });
    await waitFor(() => ids() === 'e1,e3', { what: 'the past events' });
    await journal.write({ append: [event(4, 'view.page'), event(5, 'file.uploaded')] });
    await waitFor(() => ids() === 'e1,e3,e5', { what: 'the event' });
    child.kill('SIGINT');
    expect(await once(child, 'close')).toEqual([0, null]);
  });

  test('gives its rejected records with the reason', async () => {
    expect(rowsOf(await run(['rejected', 'list'], env))).toEqual([
      {
        id: 1,
        at: '2026-09-21T00:00:00.000Z',
        origin: 'otlp-logs',
        from: '',
        reason: 'file_id is missing',
        record: '{"event":"file.uploaded"}',
      },
    ]);
  });

  test('is not replayed without a running collector: exit 1', async () => {
    const ended = await run(['rejected', 'replay', '1'], { ...env, PORT: '1' });
    expect(ended).toMatchObject({ code: 1, out: '' });
    expect(ended.err).toMatch(/^No collector answers at http:\/\/127\.0\.0\.1:1\/.*: start it, or set HOST and PORT/);
  });
});
