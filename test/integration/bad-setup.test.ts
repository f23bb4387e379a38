import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect } from 'amqplib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runCliToEnd, startCollector, type CollectorProcess } from '../support/collector-process.ts';
import { consumeEventSink } from '../support/consumer.ts';
import { freePort, tempDir } from '../support/processes.ts';
import { forwardTcp } from '../support/tcp-forwarder.ts';
import { openVhost, putUser, uniqueName, vhostUrl, type VirtualHost } from '../support/virtual-host.ts';
import { answersOk, waitFor } from '../support/wait-for.ts';

// Issue 3, "Bad input gets a clear answer and nothing else happens": what an operator sees.

const FILE = '5f1e00000000000000000001';

let broker: VirtualHost;
let scratch: Awaited<ReturnType<typeof tempDir>>;

beforeAll(async () => {
  scratch = await tempDir('bad-setup');
  broker = await openVhost();
});

afterAll(async () => {
  await broker[Symbol.asyncDispose]();
  await scratch.remove();
});

async function post(collector: CollectorProcess, path: string, body: object): Promise<Response> {
  return fetch(`${collector.url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
}

const event = (id: string): object => ({ event: 'file.deleted', file_id: FILE, event_id: id });

async function takes(collector: CollectorProcess, id: string): Promise<void> {
  expect((await post(collector, '/api/v1/events', event(id))).status).toBe(202);
}

interface Readyz {
  readonly status: string;
  readonly checks: Record<'journal' | 'broker' | 'backlog', { ok: boolean; reason?: string }>;
}

async function readyz(collector: CollectorProcess): Promise<Readyz> {
  return (await (await fetch(`${collector.url}/readyz`)).json()) as Readyz;
}

describe('an unusable DATA_DIR', () => {
  test('is a file: exit 1, one line that says what to do, and the file is unchanged', async () => {
    const file = join(scratch.path, 'a-file');
    writeFileSync(file, 'precious');
    for (const dir of [file, join(file, 'below')]) {
      const port = await freePort();
      const ended = await runCliToEnd(['collector'], { DATA_DIR: dir, PORT: String(port) });
      expect(ended).toMatchObject({ code: 1, stdout: '' });
      expect(ended.stderr).toMatch(
        /^DATA_DIR .* cannot be written \(.*\): make it writable for this user, or set DATA_DIR to another directory\n$/,
      );
      expect(readFileSync(file, 'utf8')).toBe('precious');
    }
  });

  test('is a file: the keys command says the same', async () => {
    const file = join(scratch.path, 'keys-file');
    writeFileSync(file, '');
    const ended = await runCliToEnd(['keys', 'add', '--name', 'n', '--scope', 'ingest'], { DATA_DIR: file });
    expect(ended).toMatchObject({ code: 1, stdout: '' });
    expect(ended.stderr).toContain('cannot be written');
  });

  test('is held by another collector: exit 1, the process is named, and that one goes on', async () => {
    await using first = await startCollector({ amqpUrl: `amqp://127.0.0.1:${await freePort()}` });
    await takes(first, 'before');
    const port = await freePort();
    const ended = await runCliToEnd(['collector'], { DATA_DIR: first.dataDir, PORT: String(port) });
    expect(ended).toMatchObject({ code: 1, stdout: '' });
    expect(ended.stderr).toBe(
      `DATA_DIR ${first.dataDir} is in use by another collector (process ${first.pid}): stop that one, or give this one a directory of its own\n`,
    );
    await takes(first, 'after');
    const { events } = (await (await fetch(`${first.url}/api/v1/events`)).json()) as { events: { event_id: string }[] };
    expect(events.map((one) => one.event_id)).toEqual(['after', 'before']);
  });
});

test('a port in use gives exit 1 and one sentence that names it, and leaves nothing running', async () => {
  await using first = await startCollector({ amqpUrl: broker.url });
  const dataDir = join(scratch.path, 'second');
  for (const setting of ['PORT', 'GRPC_PORT'])
    for (const amqpUrl of [broker.url, `amqp://127.0.0.1:${await freePort()}`]) {
      const taken = { PORT: '0', GRPC_PORT: '0', [setting]: String(first.port) };
      expect(await runCliToEnd(['collector'], { ...taken, DATA_DIR: dataDir, AMQP_URL: amqpUrl })).toEqual({
        code: 1,
        stdout: '',
        stderr: `${setting} ${first.port} of 127.0.0.1 is in use by another program: stop that one, or set ${setting} to a free one\n`,
      });
    }
  await using third = await startCollector({ dataDir, amqpUrl: broker.url });
  await takes(third, 'the directory is free');
});

test('a collector open to others starts with a first key and accepts only that; a key file without a key gives exit 2', async () => {
  const file = join(scratch.path, 'first-key');
  writeFileSync(file, `${'k'.repeat(32)}\n`);
  const env = { HOST: '0.0.0.0', CLOWDER_OTEL_FIRST_KEY_FILE: file };
  await using collector = await startCollector({ amqpUrl: broker.url, env });
  const statusWith = async (authorization: string): Promise<number> => {
    const body = JSON.stringify({ event: 'file.deleted', file_id: 'f' });
    const headers = { 'content-type': 'application/json', authorization };
    return (await fetch(`${collector.url}/api/v1/events`, { method: 'POST', headers, body })).status;
  };
  expect(await statusWith(`Bearer ${'k'.repeat(32)}`)).toBe(202);
  expect(await statusWith(`Bearer ${'l'.repeat(32)}`)).toBe(401);
  const ended = await runCliToEnd(['collector'], { ...env, DATA_DIR: join(scratch.path, 'none'), CLOWDER_OTEL_FIRST_KEY_FILE: '/dev/null' }); // prettier-ignore
  expect(ended).toMatchObject({ code: 2, stdout: '', stderr: expect.stringMatching(/^CLOWDER_OTEL_FIRST_KEY_FILE holds no key/) }); // prettier-ignore
});

describe('a wrong AMQP_URL', () => {
  const guest = 'guest:s3cret';
  test.each([
    ['scheme', `http://${guest}@127.0.0.1:5672`, 'its scheme is http'],
    ['scheme, missing', `${guest}@127.0.0.1:5672`, 'it has no scheme'],
    ['host', `amqp://${guest}@127.0 .0.1:5672`, 'its host is not valid'],
    ['host, missing', `amqp://${guest}@:5672`, 'it names no host'],
    ['port', `amqp://${guest}@127.0.0.1:rabbit`, 'its port is not a number'],
    ['port, out of range', `amqp://${guest}@127.0.0.1:70000`, 'its port is 70000, and not from 1 to 65535'],
    ['virtual host', `amqp://${guest}@127.0.0.1:5672/a/b`, 'its virtual host holds a /; write that as %2F'],
    ['percent-encoding', `amqp://${guest}%zz@127.0.0.1:5672`, 'its percent-encoding is broken'],
    ['password with @ and /', 'amqp://guest:s3cret/@x@127.0.0.1:5672', 'an @ follows its host'],
    ['the second of two', `amqp://ok@127.0.0.1,amqp://${guest}@127.0.0.1:0`, 'its port is 0'],
  ])(
    'in its %s: exit 2 before anything starts; the message names the part, but not the password',
    async (_, url, said) => {
      const dataDir = join(scratch.path, 'never-made');
      const ended = await runCliToEnd(['collector'], { AMQP_URL: url, DATA_DIR: dataDir, PORT: '70000' });
      expect(ended).toMatchObject({ code: 2, stdout: '' });
      expect(ended.stderr).toContain(said);
      expect(ended.stderr).toContain('it may be amqp://USER:PASSWORD@HOST:5672/VHOST, or amqps://… on 5671');
      expect(ended.stderr).toContain('PORT was "70000": must be an integer from 0 to 65535');
      expect(ended.stderr).not.toContain('s3cret');
      expect(existsSync(dataDir)).toBe(false);
    },
  );
});

/** The collector accepts events in the meantime; once the cause is mended, exactly these arrive. */
async function recoversOnce(
  amqpUrl: string,
  says: RegExp,
  mend: () => Promise<unknown>,
  sinkUrl: string,
): Promise<void> {
  await using collector = await startCollector({ amqpUrl });
  const reason = await waitFor(async () => (await readyz(collector)).checks.broker.reason?.match(says)?.input, {
    timeoutMs: 60_000,
    what: 'the reason',
  });
  expect(reason).not.toContain('s3cret');
  expect((await readyz(collector)).status).toBe('degraded');
  await takes(collector, 'waited-1');
  await takes(collector, 'waited-2');
  await mend();
  await using sink = await consumeEventSink(sinkUrl);
  await waitFor(() => sink.received.length >= 2, { what: 'the events' });
  await takes(collector, 'later');
  await waitFor(() => sink.received.length >= 3, { what: 'the later event' });
  expect(sink.received.map((one) => one.messageId)).toEqual(['waited-1', 'waited-2', 'later']);
  expect((await readyz(collector)).status).toBe('ready');
  expect(collector.output()).not.toContain('s3cret');
}

describe('if a broker refuses the collector, it says why, accepts events, and goes on once the cause is mended', () => {
  test('because the password is wrong', async () => {
    await using vhost = await openVhost();
    const user = uniqueName('late');
    await putUser(user, 'another');
    await vhost.grant(user);
    await recoversOnce(
      vhostUrl(vhost.name, `${user}:s3cret%40home`),
      /^amqp:\/\/late-\w+:\*\*\*@.* refuses user or password: check both in AMQP_URL/,
      () => putUser(user, 's3cret@home'),
      vhost.url,
    );
  });

  test('because the virtual host does not exist', async () => {
    await using stack = new AsyncDisposableStack();
    const name = uniqueName('missing');
    await recoversOnce(
      vhostUrl(name),
      /has no such virtual host, or the user may not use it: check the path of AMQP_URL/,
      async () => stack.use(await openVhost(name)),
      vhostUrl(name),
    );
  });

  test('because the virtual host is at its connection limit', async () => {
    await using vhost = await openVhost();
    await vhost.limitConnections(0);
    await recoversOnce(
      vhost.url,
      /takes no more connections of this virtual host or user: raise its limit.*connection limit \(0\) is reached/,
      () => vhost.limitConnections(undefined),
      vhost.url,
    );
  });

  test('because the user may not use the virtual host', async () => {
    await using vhost = await openVhost();
    const user = uniqueName('stranger');
    await putUser(user, 's3cret');
    await recoversOnce(
      vhostUrl(vhost.name, `${user}:s3cret`),
      /has no such virtual host, or the user may not use it: check the path of AMQP_URL.*refused for user 'stranger-\w+'/,
      () => vhost.grant(user),
      vhost.url,
    );
  });

  test('because the user may not declare the exchanges', async () => {
    await using vhost = await openVhost();
    const user = uniqueName('reader');
    await putUser(user, 's3cret');
    await vhost.grant(user, { configure: '^$', write: '^$', read: '.*' });
    await recoversOnce(
      vhostUrl(vhost.name, `${user}:s3cret`),
      /does not permit the user to do this: it must be allowed to configure, write and read clowder\.events and clowder\.metrics.*access to exchange 'clowder\.events'/,
      () => vhost.grant(user),
      vhost.url,
    );
  });

  test.each(['clowder.events', 'clowder.metrics'])('because exchange %s exists with another type', async (exchange) => {
    await using vhost = await openVhost();
    const connection = await connect(vhost.url);
    const channel = await connection.createChannel();
    await channel.assertExchange(exchange, 'direct', { durable: true });
    await recoversOnce(
      vhost.url,
      /An exchange exists on .* with another type: clowder\.events must be a durable topic, clowder\.metrics a durable fanout/,
      () => channel.deleteExchange(exchange),
      vhost.url,
    );
    await connection.close();
  });

  test('because an exchange exists that is not durable', async () => {
    await using vhost = await openVhost();
    const connection = await connect(vhost.url);
    const channel = await connection.createChannel();
    await channel.assertExchange('clowder.events', 'topic', { durable: false });
    await recoversOnce(
      vhost.url,
      /An exchange exists on .* with other properties: .*inequivalent arg 'durable'/,
      () => channel.deleteExchange('clowder.events'),
      vhost.url,
    );
    await connection.close();
  });

  test('because the host name cannot be resolved', async () => {
    await using collector = await startCollector({ amqpUrl: 'amqp://guest:s3cret@no-such-host.invalid' });
    await waitFor(async () => /cannot be resolved/.test((await readyz(collector)).checks.broker.reason ?? ''), {
      what: 'the reason',
    });
    await takes(collector, 'still taken');
    expect(collector.output()).not.toContain('s3cret');
  });
});

describe('a full journal', () => {
  const MAX_BYTES = 20_000;

  test('answers 503 with Retry-After, keeps what it has, and recovers once a broker drains it', async () => {
    const [port, url] = [await freePort(), new URL(broker.url)];
    url.port = String(port);
    await using collector = await startCollector({
      amqpUrl: String(url),
      env: { JOURNAL_MAX_BYTES: String(MAX_BYTES) },
    });
    const accepted: string[] = [];
    let refused: Response | undefined;
    for (let index = 0; refused === undefined; index += 1) {
      const response = await post(collector, '/api/v1/events', event(`full-${index}`));
      if (response.status === 202) accepted.push(`full-${index}`);
      else refused = response;
      expect(index).toBeLessThan(1000);
    }
    expect(refused.status).toBe(503);
    expect(refused.headers.get('retry-after')).toBe('2');
    expect(await refused.json()).toMatchObject({
      code: 'journal_full',
      detail: expect.stringMatching(
        /The journal is full: \d+ bytes wait to be published, JOURNAL_MAX_BYTES is 20000; try again/,
      ) as string,
    });

    const record = {
      eventName: 'clowder.file.deleted',
      attributes: [{ key: 'clowder.file.id', value: { stringValue: FILE } }],
    };
    const otlp = await post(collector, '/v1/logs', { resourceLogs: [{ scopeLogs: [{ logRecords: [record] }] }] });
    expect(otlp.status).toBe(503);
    expect(otlp.headers.get('retry-after')).toBe('2');
    expect(await otlp.json()).toEqual({ code: 14, message: expect.stringContaining('The journal is full') as string });

    const full = await fetch(`${collector.url}/readyz`);
    expect(full.status).toBe(503);
    expect(await full.json()).toMatchObject({
      status: 'unavailable',
      checks: { journal: { ok: false, reason: expect.stringMatching(/full.*raise JOURNAL_MAX_BYTES/) as string } },
    });
    await collector.kill('SIGKILL');
    await collector.start();
    expect((await post(collector, '/api/v1/events', event('full after a restart, too'))).status).toBe(503);

    await using _broker = await forwardTcp(port, Number(new URL(broker.url).port));
    await using sink = await consumeEventSink(broker.url);
    await waitFor(async () => (await post(collector, '/api/v1/events', event('room again'))).status === 202, {
      everyMs: 100,
      what: 'room in the journal',
    });
    await waitFor(() => sink.received.at(-1)?.messageId === 'room again', { what: 'all events' });
    expect(sink.ids()).toEqual([...accepted, 'room again']);
    expect(await answersOk(`${collector.url}/readyz`)).toBe(true);
  });
});
