import { connect, type ChannelModel, type ConfirmChannel, type GetMessage, type Options } from 'amqplib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { toMessage } from '../../../exporter/message.ts';
import { runCliToEnd } from '../../support/collector-process.ts';
import { startRabbitNode, type RabbitNode } from '../../support/rabbitmq-node.ts';
import { makeEvents } from '../../support/sinks/events.ts';
import { startSinkProcess, type SinkProcess } from '../../support/sinks/sink-process.ts';
import { webhookHarness } from '../../support/sinks/webhook-server.ts';
import { waitFor } from '../../support/wait-for.ts';

const DEAD = 'clowder.sink.webhook.dead';
const QUORUM: Options.AssertQueue = { durable: true, arguments: { 'x-queue-type': 'quorum' } };

let node: RabbitNode;

beforeAll(async () => {
  node = await startRabbitNode();
});

afterAll(async () => {
  await node.stop();
});

interface Setting extends AsyncDisposable {
  readonly vhost: string;
  readonly url: string;
  readonly model: ChannelModel;
  readonly channel: ConfirmChannel;
  readonly service: Awaited<ReturnType<typeof webhookHarness.start>>;
}

/** A virtual host, a connection to it as a user of its own, and a service that refuses nothing yet. */
async function setUp(vhost: string): Promise<Setting> {
  await node.rabbitmqctl('add_vhost', vhost);
  await node.rabbitmqctl('set_permissions', '-p', vhost, 'guest', '.*', '.*', '.*');
  await node.rabbitmqctl('add_user', vhost, 'secret');
  await node.rabbitmqctl('set_permissions', '-p', vhost, vhost, '.*', '.*', '.*');
  const url = `${node.url}/${vhost}`;
  const model = await connect(url);
  const channel = await model.createConfirmChannel();
  const service = await webhookHarness.start();
  return {
    vhost,
    url: url.replace(/\/\/[^@]*@|\/\//, `//${vhost}:secret@`),
    model,
    channel,
    service,
    [Symbol.asyncDispose]: async () => {
      await model.close();
      await service[Symbol.asyncDispose]();
    },
  };
}

const startSink = ({ url, service }: Setting): Promise<SinkProcess> =>
  startSinkProcess({
    AMQP_URL: url,
    sinks: { webhook: { ...service.settings, linger_ms: 20, third_party: false } },
  });

const isReady = (sink: SinkProcess): Promise<boolean> =>
  waitFor(async () => (await sink.figure('webhook', 'ready{sink="SINK"}')) === 1, { what: 'the sink' });

async function publish(
  channel: ConfirmChannel,
  events: ReturnType<typeof makeEvents>,
  headers: object = {},
): Promise<void> {
  for (const { routingKey, content, options } of events.map(toMessage))
    channel.publish('clowder.events', routingKey, content, {
      ...options,
      mandatory: false,
      headers: { ...(options.headers as object), ...headers },
    });
  await channel.waitForConfirms();
}

const depth = async ({ channel }: Setting, queue: string): Promise<number> =>
  (await channel.checkQueue(queue)).messageCount;

/**
 * Publishes five events, of which the service refuses the second, bytes that are no event, and five more events. All others
 * arrive.
 */
async function sendsTheOthers(setting: Setting): Promise<void> {
  const events = makeEvents(5);
  const ids = events.map(({ event_id: id }) => id);
  await setting.service.refuse?.(ids.slice(1, 2));
  setting.channel.publish('clowder.events', 'file.uploaded', Buffer.from('no event'), { messageId: 'poison' });
  await publish(setting.channel, events);
  await publish(setting.channel, makeEvents(5, { from: 5 }));
  await waitFor(async () => new Set(await setting.service.storedIds()).size === 9, { what: 'the others' });
}

/** The sink says why it waits, and goes on. After the cure, the dead-letter queue has both messages once each. */
async function waitsForTheCure(
  setting: Setting,
  sink: SinkProcess,
  reason: RegExp,
  cure: () => Promise<unknown>,
): Promise<void> {
  await waitFor(async () => (await sink.figure('webhook', 'dead_letters_waiting{sink="SINK"}')) === 2, {
    timeoutMs: 60_000,
    what: 'two that cannot be put aside',
  });
  const readyz = (await (await fetch(`${sink.url}/readyz`)).json()) as { sinks: { webhook: { reason: string } } };
  expect(readyz.sinks.webhook.reason).toMatch(reason);
  expect(sink.output()).toMatch(reason);
  await publish(setting.channel, makeEvents(5, { from: 10 }));
  await waitFor(async () => new Set(await setting.service.storedIds()).size === 14, { what: 'later ones' });
  // The service does not get an event again because of it.
  expect(new Set(await setting.service.storedIds()).size).toBe((await setting.service.storedIds()).length);
  await cure();
  await waitFor(async () => (await depth(setting, DEAD)) === 2, { timeoutMs: 60_000, what: 'both dead letters' });
  await isReady(sink);
  expect(await depth(setting, 'clowder.sink.webhook')).toBe(0);
}

describe(
  'a message that the service refuses for good and RabbitMQ refuses for the dead-letter queue',
  { timeout: 300_000 },
  () => {
    test('waits while that queue is full, and later messages go on', async () => {
      await using setting = await setUp('full');
      await setting.channel.assertQueue(DEAD, {
        durable: true,
        arguments: { 'x-queue-type': 'classic', 'x-max-length': 1, 'x-overflow': 'reject-publish' },
      });
      setting.channel.sendToQueue(DEAD, Buffer.from('it is full'));
      await using sink = await startSink(setting);
      await isReady(sink);
      await sendsTheOthers(setting);
      await waitsForTheCure(setting, sink, /takes nothing now: is it full/, async () => {
        await setting.channel.deleteQueue(DEAD);
        await setting.channel.assertQueue(DEAD, QUORUM);
      });
    });

    test('waits while the user may not write to that queue, and later messages go on', async () => {
      await using setting = await setUp('permissions');
      await using sink = await startSink(setting);
      await isReady(sink);
      const allow = (write: string): Promise<string> =>
        node.rabbitmqctl('set_permissions', '-p', setting.vhost, setting.vhost, '.*', write, '.*');
      await allow('^clowder');
      await sendsTheOthers(setting);
      await waitsForTheCure(setting, sink, /access to exchange .* refused for user/, () => allow('.*'));
    });

    test('waits while it is over max_message_size, and other messages go on', async () => {
      await using setting = await setUp('sizes');
      await using sink = await startSink(setting);
      await isReady(sink);
      const limit = (bytes: number): Promise<string> =>
        node.rabbitmqctl('eval', `application:set_env(rabbit, max_message_size, ${bytes}).`);
      try {
        const [large] = makeEvents(1);
        const text = { ...large, event_id: 'large', message: 'x'.repeat(5000) };
        await setting.service.refuse?.(['large']);
        // The sink gets messages that were published before the limit was lowered.
        await sink.kill('SIGTERM');
        await publish(setting.channel, [text as never]);
        setting.channel.publish('clowder.events', 'file.uploaded', Buffer.alloc(5000, 'x'), { messageId: 'poison' });
        await publish(setting.channel, makeEvents(9));
        await limit(4000);
        await sink.start();
        await waitFor(async () => new Set(await setting.service.storedIds()).size === 9, { what: 'the others' });
        await waitFor(async () => (await sink.figure('webhook', 'dead_letters_waiting{sink="SINK"}')) === 2, {
          timeoutMs: 60_000,
          what: 'two that cannot be put aside',
        });
        const body = await (await fetch(`${sink.url}/readyz`)).text();
        expect(body).toMatch(/message size 5\d\d\d is larger than configured max size 4000|message size 5000/);
        await limit(134_217_728);
        await waitFor(async () => (await depth(setting, DEAD)) === 2, { timeoutMs: 60_000, what: 'both dead letters' });
        await isReady(sink);
      } finally {
        await limit(134_217_728);
      }
    });

    test('loses its own headers if these exceed frame_max, and is put aside', async () => {
      await using setting = await setUp('frames');
      await using sink = await startSink({ ...setting, url: `${setting.url}?frameMax=8192` });
      await isReady(sink);
      // Each fits into a frame. With the reason, about 140 bytes, the shortest still does and the longest does not.
      const notes = Array.from({ length: 8 }, (_, step) => '測'.repeat(2400 + step * 23));
      const events = makeEvents(notes.length);
      await setting.service.refuse?.(events.map(({ event_id: id }) => id));
      for (const [index, note] of notes.entries())
        await publish(setting.channel, events.slice(index, index + 1), { 'x-note': note });
      await publish(setting.channel, makeEvents(5, { from: notes.length }));
      await waitFor(async () => new Set(await setting.service.storedIds()).size === 5, { what: 'the others' });
      // Each one that is too long costs a connection or two, and messages under way on that connection may be there twice.
      const found = new Map<unknown, Record<string, unknown>>();
      const all = async (): Promise<boolean> => {
        for (let message = await take(); message !== false; message = await take())
          found.set(message.properties.messageId, message.properties.headers ?? {});
        return found.size === notes.length;
      };
      const take = (): Promise<GetMessage | false> => setting.channel.get(DEAD, { noAck: true });
      await waitFor(all, { timeoutMs: 240_000, what: 'the dead letters' });
      for (const headers of found.values())
        expect(headers).toMatchObject({
          clowder_dead_class: 'rejected',
          clowder_dead_reason: 'HTTP 422: one of these is no good',
        });
      const withNote = [...found.values()].filter((headers) => 'x-note' in headers).length;
      expect(withNote).toBeGreaterThan(0);
      expect(withNote).toBeLessThan(notes.length);
    });
  },
);

test(
  'a message that RabbitMQ does not take back does not stop the replay of others',
  { timeout: 300_000 },
  async () => {
    await using setting = await setUp('replay');
    await using sink = await startSink(setting);
    await isReady(sink);
    await sink.kill('SIGTERM');
    const limit = (bytes: number): Promise<string> =>
      node.rabbitmqctl('eval', `application:set_env(rabbit, max_message_size, ${bytes}).`);
    try {
      for (const [id, size] of [
        ['a', 10],
        ['large', 5000],
        ['b', 10],
      ] as const)
        // prettier-ignore
        setting.channel.sendToQueue(DEAD, Buffer.alloc(size, 'x'), { messageId: id });
      await setting.channel.waitForConfirms();
      await limit(4000);
      const replayed = await runCliToEnd(['--config', sink.configFile, 'sink', 'replay', 'webhook']);
      expect(replayed.code).toBe(1);
      expect(JSON.parse(replayed.stdout)).toEqual({ replayed: 2, left: 1 });
      expect(replayed.stderr).toMatch(/does not take 1 messages.*message size 5000 is larger/);
      expect(await depth(setting, DEAD)).toBe(1);
      expect(await depth(setting, 'clowder.sink.webhook')).toBe(2);
    } finally {
      await limit(134_217_728);
    }
  },
);
