import { openJournal } from '../../collector/journal/journal.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeKey, runCli, startCollector, type CollectorProcess } from '../support/collector-process.ts';
import { consumeEventSink } from '../support/consumer.ts';
import { tempDir } from '../support/processes.ts';
import { startRabbitNode, type RabbitNode } from '../support/rabbitmq-node.ts';
import { waitFor } from '../support/wait-for.ts';

const FILE = '5f1e00000000000000000001';
/** 86 characters of 258 bytes, while AMQP's short strings hold 255. */
const LONG_IDS = ['測'.repeat(86), '€'.repeat(86)];

let broker: RabbitNode;

beforeAll(async () => {
  broker = await startRabbitNode();
});

afterAll(async () => {
  await broker.stop();
});

async function ownVhost(name: string): Promise<string> {
  await broker.rabbitmqctl('add_vhost', name);
  await broker.rabbitmqctl('set_permissions', '-p', name, 'guest', '.*', '.*', '.*');
  return `${broker.url}/${name}`;
}

const send = (collector: CollectorProcess, path: string, body: object, headers: object = {}): Promise<Response> =>
  fetch(`${collector.url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });

const event = (event_id: string, more: object = {}): object => ({
  event: 'file.deleted',
  event_id,
  file_id: FILE,
  ...more,
});

async function takes(collector: CollectorProcess, ...events: readonly object[]): Promise<void> {
  for (const one of events) expect((await send(collector, '/api/v1/events', one)).status).toBe(202);
}

interface Readyz {
  readonly status: string;
  readonly checks: { readonly unpublishable: { readonly events: number; readonly reason?: string } };
}
const readyz = async (collector: CollectorProcess): Promise<Readyz> =>
  (await (await fetch(`${collector.url}/readyz`)).json()) as Readyz;

const isReady = (collector: CollectorProcess): Promise<boolean> =>
  waitFor(async () => (await readyz(collector)).status === 'ready', { what: 'readiness' });

interface Rejected {
  readonly id: number;
  readonly code: string;
  readonly message: string;
}
const rejected = async (collector: CollectorProcess): Promise<readonly Rejected[]> =>
  ((await (await fetch(`${collector.url}/api/v1/rejected`)).json()) as { rejected: Rejected[] }).rejected;

const envOf = (collector: CollectorProcess): Record<string, string> => ({
  DATA_DIR: collector.dataDir,
  PORT: String(collector.port),
});

describe('what cannot be published is refused at intake, and the rest is accepted', () => {
  test('an id of more than 255 bytes, by the API and by OTLP', async () => {
    const url = await ownVhost('long-ids');
    await using sink = await consumeEventSink(url);
    await using collector = await startCollector({ amqpUrl: url });
    for (const id of LONG_IDS) {
      const refused = await send(collector, '/api/v1/events', event(id));
      expect(refused.status).toBe(422);
      expect(await refused.text()).toContain('event_id');
      const record = (event_id: string) => ({
        eventName: 'clowder.file.deleted',
        attributes: [
          { key: 'clowder.file.id', value: { stringValue: FILE } },
          { key: 'clowder.event.id', value: { stringValue: event_id } },
        ],
      });
      const otlp = await send(collector, '/v1/logs', {
        resourceLogs: [{ scopeLogs: [{ logRecords: [record(id), record(`good beside ${id.slice(0, 1)}`)] }] }],
      });
      expect(otlp.status).toBe(200);
      expect(await otlp.json()).toMatchObject({ partialSuccess: { rejectedLogRecords: '1' } });
    }
    await takes(collector, event('last'));
    await waitFor(() => sink.ids().includes('last'), { what: 'the last event' });
    expect(sink.ids().toSorted()).toEqual(['good beside €', 'good beside 測', 'last'].toSorted());
    await isReady(collector);
  });

  test('an id of more than 255 bytes, by a page view with the public key', async () => {
    const url = await ownVhost('long-page-ids');
    await using data = await ownDir();
    const [browser, ingest] = [await makeKey(data.path, 'browser'), await makeKey(data.path, 'ingest')];
    await using sink = await consumeEventSink(url);
    await using collector = await startCollector({
      amqpUrl: url,
      dataDir: data.path,
      env: { ALLOWED_ORIGINS: 'https://clowder.example' },
    });
    const origin = { origin: 'https://clowder.example' };
    for (const event_id of LONG_IDS)
      await send(collector, '/api/v1/browser', { url: 'https://clowder.example/', key: browser, event_id }, origin);
    const key = { authorization: `Bearer ${ingest}` };
    expect((await send(collector, '/api/v1/events', event('after'), key)).status).toBe(202);
    await waitFor(() => sink.ids().includes('after'), { what: 'the next event' });
    for (const id of sink.ids()) expect(Buffer.byteLength(id)).toBeLessThanOrEqual(255);
    await isReady(collector);
  });

  test('half a surrogate pair becomes U+FFFD wherever it is', async () => {
    const url = await ownVhost('surrogates');
    await using sink = await consumeEventSink(url);
    await using collector = await startCollector({ amqpUrl: url });
    await takes(collector, event('half', { clowder_instance: 'site \ud83d' }), event('next'));
    await waitFor(() => sink.ids().includes('next'), { what: 'the next event' });
    expect(sink.ids()).toEqual(['half', 'next']);
    expect(sink.received[0]?.body['clowder_instance']).toBe('site �');
    await isReady(collector);
  });
});

async function ownDir(): Promise<AsyncDisposable & { readonly path: string }> {
  const { path, remove } = await tempDir('unpublishable');
  return { path, [Symbol.asyncDispose]: remove };
}

test('a journal of an earlier version that holds such events drains after the upgrade', async () => {
  const url = await ownVhost('upgrade');
  await using data = await ownDir();
  const lineOf = (event_id: string, more: object = {}): string =>
    JSON.stringify({ created: Date.now(), source: 'api', resource_id: FILE, ...event(event_id, more) });
  const journal = await openJournal({ dir: data.path, maxBytes: 10_000_000 });
  await journal.write({
    append: [
      ...LONG_IDS.flatMap((id, index) => [lineOf(`before-${index}`), lineOf(id)]),
      lineOf('half', { clowder_instance: 'site \ud83d' }),
      lineOf('last'),
    ],
  });
  await journal.close();
  await using sink = await consumeEventSink(url);
  await using collector = await startCollector({ amqpUrl: url, dataDir: data.path });
  await waitFor(() => sink.ids().includes('last'), { what: 'the last event' });
  expect(sink.ids()).toEqual(['before-0', 'before-1', 'half', 'last']);
  const found = await waitFor(
    async () => {
      const records = await rejected(collector);
      return records.length === 2 && records;
    },
    { what: 'both to be set aside' },
  );
  for (const { code, message } of found)
    expect([code, message]).toEqual(['unpublishable', 'Its event id takes 258 bytes in UTF-8; AMQP allows 255']);
  expect(await readyz(collector)).toMatchObject({
    status: 'degraded',
    checks: { unpublishable: { events: 2, reason: expect.stringContaining('"rejected list" says why') as string } },
  });
  const ids = found.map(({ id }) => String(id));
  expect(JSON.parse(await runCli(['rejected', 'replay'], envOf(collector)))).toEqual({
    accepted: 0,
    'still rejected': 2,
  });
  expect(JSON.parse(await runCli(['rejected', 'discard', ...ids], envOf(collector)))).toEqual({ discarded: 2 });
  await isReady(collector);
});

describe('what only the broker can refuse is set aside with its reason, and other events go on', () => {
  /** The one event is refused for this reason; after the cure, `rejected replay` publishes it. */
  async function setAside(
    url: string,
    events: readonly object[],
    arriving: readonly string[],
    reason: RegExp,
    cure?: { readonly putRight: () => Promise<unknown>; readonly missing: string },
  ): Promise<void> {
    await using sink = await consumeEventSink(url);
    await using collector = await startCollector({ amqpUrl: url });
    await takes(collector, ...events);
    await waitFor(() => sink.ids().length >= arriving.length, { timeoutMs: 60_000, what: 'the others' });
    expect(sink.ids()).toEqual(arriving);
    const [only, ...more] = await waitFor(
      async () => {
        const records = await rejected(collector);
        return records.length > 0 && records;
      },
      { timeoutMs: 60_000, what: 'the one to be set aside' },
    );
    expect(more).toEqual([]);
    expect(only).toMatchObject({ code: 'unpublishable', message: expect.stringMatching(reason) as string });
    expect(await readyz(collector)).toMatchObject({ status: 'degraded', checks: { unpublishable: { events: 1 } } });
    if (cure === undefined) return;
    await cure.putRight();
    await runCli(['rejected', 'replay'], envOf(collector));
    await waitFor(() => sink.ids().includes(cure.missing), { timeoutMs: 60_000, what: 'the one that was set aside' });
    await isReady(collector);
  }

  test('a message over max_message_size', async () => {
    await broker.rabbitmqctl('eval', 'application:set_env(rabbit, max_message_size, 3000).');
    const putRight = (): Promise<unknown> =>
      broker.rabbitmqctl('eval', 'application:set_env(rabbit, max_message_size, 134217728).');
    try {
      await setAside(
        await ownVhost('sizes'),
        [
          event('a'),
          { event: 'extraction.failed', event_id: 'large', file_id: FILE, message: 'x'.repeat(3000) },
          event('b'),
        ],
        ['a', 'b'],
        /message size \d+ is larger than configured max size 3000/,
        { putRight, missing: 'large' },
      );
    } finally {
      await putRight();
    }
  });

  test('a type that topic permissions do not let the user write', async () => {
    const url = await ownVhost('topics');
    const set = (keys: string): Promise<string> =>
      broker.rabbitmqctl('set_topic_permissions', '-p', 'topics', 'guest', 'clowder.events', keys, '.*');
    await set('^file');
    await setAside(
      url,
      [event('a'), { event: 'user.login', event_id: 'forbidden', user_id: 'u' }, event('b')],
      ['a', 'b'],
      /access to topic 'user\.login' in exchange 'clowder\.events'.* refused for user 'guest'/,
      { putRight: () => set('.*'), missing: 'forbidden' },
    );
  });

  test('a header over frame_max, which ends the connection', async () => {
    const url = await ownVhost('frames');
    await setAside(
      `${url}?frameMax=4096`,
      [event('a'), event('header', { clowder_instance: '測'.repeat(500) }), event('b')],
      ['a', 'b'],
      /frame/i,
    );
  });
});
