import { connect, type ChannelModel, type ConfirmChannel } from 'amqplib';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { toMessage } from '../../../exporter/message.ts';
import { runCliToEnd, type CliResult } from '../../support/collector-process.ts';
import { startWebProxy } from '../../support/web-proxy.ts';
import { freePort, tempDir } from '../../support/processes.ts';
import { openVhost, type VirtualHost } from '../../support/virtual-host.ts';
import { makeEvents } from '../../support/sinks/events.ts';
import { archiveLines } from '../../support/sinks/file.ts';
import { startSinkProcess } from '../../support/sinks/sink-process.ts';
import { webhookHarness } from '../../support/sinks/webhook-server.ts';
import { waitFor as waitForAny, type WaitOptions } from '../../support/wait-for.ts';

/** Polls less often than usual: each poll may start a program, Erlang's or our own. */
const waitFor = <T>(condition: Parameters<typeof waitForAny<T>>[0], options: WaitOptions): Promise<T> =>
  waitForAny(condition, { everyMs: 200, ...options });

let broker: VirtualHost;
let scratch: Awaited<ReturnType<typeof tempDir>>;
let connection: ChannelModel;
let channel: ConfirmChannel;

beforeAll(async () => {
  broker = await openVhost();
  scratch = await tempDir('sink-command');
  connection = await connect(broker.url);
  channel = await connection.createConfirmChannel();
});

afterAll(async () => {
  await connection.close();
  await broker[Symbol.asyncDispose]();
  await scratch.remove();
});

async function publish(events: ReturnType<typeof makeEvents>): Promise<void> {
  for (const { routingKey, content, options } of events.map(toMessage))
    channel.publish('clowder.events', routingKey, content, { ...options, mandatory: false });
  await channel.waitForConfirms();
}

const depth = async (queue: string): Promise<number> => (await channel.checkQueue(queue)).messageCount;

const bindings = (queue: string): Promise<readonly string[]> => broker.bindings('clowder.events', queue);

const rows = ({ stdout }: CliResult): readonly Record<string, unknown>[] =>
  stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);

describe('clowder-otel sink', { timeout: 300_000 }, () => {
  test('lists every kind of sink, and which are configured', async () => {
    const listed = await runCliToEnd(['sink', 'list'], { SINK_FILE_DIRECTORY: join(scratch.path, 'list') });
    expect(listed.code).toBe(0);
    const configured = rows(listed).filter((row) => row['configured']);
    expect(configured.map((row) => row['name'])).toEqual(['file']);
  });

  test('says what to do and exits with 2 if nothing or something invalid is configured', async () => {
    const nothing = await runCliToEnd(['sink']);
    expect(nothing).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/No sink is configured: .*amplitude \(AMPLITUDE_API_KEY\)/),
    });

    const file = join(scratch.path, 'wrong.yaml');
    await writeFile(
      file,
      'sinks: {amplitude: {api_key: "k", filter: {types: [fil.*]}, colour: red}}\nSINK_ADMIN: here\n',
    );
    const wrong = await runCliToEnd(['--config', file, 'sink'], { SINK_AMPLITUDE_RATE: 'fast', AMQP_URL: 'http://a' });
    expect(wrong.code).toBe(2);
    for (const part of [
      'SINK_ADMIN',
      'AMQP_URL',
      'sinks.amplitude.filter.types.0 was "fil.*"',
      'colour',
      'SINK_AMPLITUDE_RATE was "fast"',
    ])
      expect(wrong.stderr).toContain(part);

    const unknown = await runCliToEnd(['sink', 'check', 'amplitud'], { SINK_FILE_DIRECTORY: scratch.path });
    expect(unknown).toMatchObject({ code: 2, stderr: expect.stringMatching(/There is no sink amplitud/) });
  });

  test("uses the environment's proxy, but not for hosts that the environment excludes", async () => {
    await using proxy = await startWebProxy();
    await using own = await startWebProxy();
    const env = { AMQP_URL: broker.url, HTTP_PROXY: proxy.url };
    const through = { ...env, WEBHOOK_URL: 'http://hook.invalid/batch' };
    const checked = await runCliToEnd(['sink', 'check', 'webhook'], through);
    expect([checked.code, proxy.asked]).toEqual([0, ['hook.invalid POST /batch']]);

    const direct = await runCliToEnd(['sink', 'check', 'webhook'], { ...env, WEBHOOK_URL: `${own.url}/batch` });
    expect([direct.code, own.asked, proxy.asked.length]).toEqual([0, ['127.0.0.1 POST /batch'], 1]);
    const named = await runCliToEnd(['sink', 'check', 'webhook'], { ...through, NO_PROXY: 'a.example,hook.invalid' });
    expect([named.code, proxy.asked.length]).toEqual([1, 1]);
    const wrong = await runCliToEnd(['sink', 'check', 'webhook'], { ...through, HTTP_PROXY: 'proxy:3128' });
    expect(wrong).toMatchObject({ code: 2, stderr: expect.stringContaining('HTTP_PROXY was "proxy:3128"') });
  });

  test('tries each sink and exits with 1 if one fails', async () => {
    const directory = join(scratch.path, 'checked');
    const good = await runCliToEnd(['sink', 'check'], { AMQP_URL: broker.url, SINK_FILE_DIRECTORY: directory });
    expect(good.code).toBe(0);
    expect(rows(good).map(({ sink, part, ok }) => [sink, part, ok])).toEqual([
      ['file', 'broker', true],
      ['file', 'service', true],
    ]);
    expect(await archiveLines(directory)).toEqual([]);

    const away = `http://127.0.0.1:${await freePort()}/`;
    const env = { AMQP_URL: `amqp://127.0.0.1:${await freePort()}`, SINK_FILE_DIRECTORY: directory, WEBHOOK_URL: away };
    const bad = await runCliToEnd(['sink', 'check'], env);
    expect(bad.code).toBe(1);
    expect(
      rows(bad)
        .filter(({ ok }) => ok)
        .map(({ sink, part }) => [sink, part]),
    ).toEqual([['file', 'service']]);
    expect(bad.stderr).toContain('Not ready: ');
  });

  test('binds its queue by its filter, keeps what came while it was away, and rebinds when the filter changes', async () => {
    const directory = join(scratch.path, 'filtered');
    const settings = (types: readonly string[]) => ({
      AMQP_URL: broker.url,
      sinks: { file: { directory, linger_ms: 0, filter: { types } } },
    });
    const stored = async (): Promise<readonly string[]> =>
      (await archiveLines(directory)).map((line) => (JSON.parse(line) as { event: string }).event);
    {
      await using sinks = await startSinkProcess(settings(['file.*']));
      await waitFor(async () => (await sinks.figure('file', 'ready{sink="SINK"}')) === 1, { what: 'the sink' });
      await waitFor(async () => (await bindings('clowder.sink.file')).length === 1, { what: 'one binding' });
      expect(await bindings('clowder.sink.file')).toEqual(['file.*']);
      await publish(makeEvents(4));
      await waitFor(async () => (await stored()).length === 3, { what: 'three events of files' });
      expect(await sinks.kill('SIGTERM')).toEqual({ code: 0, signal: null });
    }
    // The next filter excludes three of these.
    await publish(makeEvents(4, { from: 4 }));
    expect(await depth('clowder.sink.file')).toBe(3);
    await using sinks = await startSinkProcess(settings(['view.*', 'file.uploaded']));
    const wanted = 'file.uploaded view.*';
    await waitFor(async () => (await bindings('clowder.sink.file')).toSorted().join(' ') === wanted, {
      what: 'the new bindings',
    });
    await publish(makeEvents(4, { from: 8 }));
    await waitFor(async () => (await stored()).length === 6, { what: 'six events' });
    expect((await stored()).slice(3).toSorted()).toEqual(['file.uploaded', 'file.uploaded', 'view.download']);
    expect(await sinks.figure('file', 'events_total{sink="SINK",outcome="filtered"}')).toBe(2);
  });

  test('puts refused events aside, lists them, and sends them again on request', async () => {
    await using service = await webhookHarness.start();
    const events = makeEvents(30);
    const bad = [events[3], events[17]].flatMap((event) => event?.event_id ?? []);
    await service.refuse?.(bad);
    await using sinks = await startSinkProcess({
      AMQP_URL: broker.url,
      sinks: { webhook: { ...service.settings, linger_ms: 50, third_party: false } },
    });
    await waitFor(async () => (await sinks.figure('webhook', 'ready{sink="SINK"}')) === 1, { what: 'the sink' });
    await publish(events);
    channel.publish('clowder.events', 'file.uploaded', Buffer.from('no event'), { messageId: 'poison' });
    const dead = 'clowder.sink.webhook.dead';
    await waitFor(async () => (await depth(dead)) === 3, { what: 'three dead letters' });
    await waitFor(async () => (await service.storedIds()).length === 28, { what: 'the others' });

    const config = ['--config', sinks.configFile];
    const listed = rows(await runCliToEnd([...config, 'sink', 'dead', 'webhook']));
    const byId = Object.fromEntries(
      listed.map(({ id, class: why, reason }) => [id, `${String(why)}: ${String(reason)}`]),
    );
    expect(byId).toEqual({
      poison: 'poison: the body is not JSON',
      [bad[0] ?? '']: 'rejected: HTTP 422: one of these is no good',
      [bad[1] ?? '']: 'rejected: HTTP 422: one of these is no good',
    });
    expect(await depth(dead)).toBe(3);
    expect(await sinks.figure('webhook', 'dead_letters_total{sink="SINK",class="rejected"}')).toBe(2);

    await service.refuse?.([]);
    const replayed = await runCliToEnd([...config, 'sink', 'replay', 'webhook']);
    expect(rows(replayed)).toEqual([{ replayed: 3 }]);
    await waitFor(async () => (await service.storedIds()).length === 30, { what: 'those that were refused' });
    expect((await service.storedIds()).slice(28).toSorted()).toEqual(bad.toSorted());
    // A message that is no event never becomes one.
    await waitFor(async () => (await depth(dead)) === 1, { what: 'one dead letter' });
    expect(await depth('clowder.sink.webhook')).toBe(0);
    const none = await runCliToEnd([...config, 'sink', 'replay', 'ga4']);
    expect(none).toMatchObject({ code: 1, stderr: expect.stringContaining('has not run with this broker') });
  });

  test('says why it is not ready, and loses nothing while its service refuses it', async () => {
    await using service = await webhookHarness.start();
    await service.fault('unauthorised');
    await using sinks = await startSinkProcess({
      AMQP_URL: broker.url,
      sinks: { webhook: { ...service.settings, linger_ms: 0, retry_max_s: 0.2 } },
    });
    await waitFor(async () => (await sinks.figure('webhook', 'broker_connected{sink="SINK"}')) === 1, {
      what: 'the sink',
    });
    await publish(makeEvents(5, { from: 1000 }));
    const answer = await waitFor(
      async () => {
        const response = await fetch(`${sinks.url}/readyz`);
        const text = await response.text();
        return response.status === 503 && text.includes('401') ? text : undefined;
      },
      { what: '/readyz to tell' },
    );
    expect(JSON.parse(answer)).toMatchObject({
      status: 'degraded',
      sinks: {
        webhook: {
          ok: false,
          reason: expect.stringMatching(/^The service refuses us, events wait in the queue: HTTP 401/),
        },
      },
    });
    expect(sinks.output()).toContain('the service refuses us');
    expect(sinks.output()).not.toContain('the secret of a contract');
    await service.heal();
    await waitFor(async () => (await service.storedIds()).length >= 5, { what: 'the events' });
    await waitFor(async () => (await fetch(`${sinks.url}/readyz`)).status === 200, { what: 'readiness' });
  });

  test('ends in time while its service does not answer, and returns everything to the queue', async () => {
    const server: Server = createServer(() => undefined).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    await using sinks = await startSinkProcess({
      AMQP_URL: broker.url,
      sinks: { webhook: { url: `http://127.0.0.1:${port}/`, linger_ms: 0 } },
    });
    await waitFor(async () => (await sinks.figure('webhook', 'ready{sink="SINK"}')) === 1, { what: 'the sink' });
    const asked = once(server, 'request');
    await publish(makeEvents(10, { from: 2000 }));
    await asked;
    expect(await sinks.kill('SIGTERM')).toEqual({ code: 0, signal: null });
    // RabbitMQ requeues them once it has seen the connection end.
    await waitFor(async () => (await depth('clowder.sink.webhook')) === 10, { what: 'everything back in the queue' });
    server.close();
    server.closeAllConnections();
  });
});
