import { connect } from 'amqplib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startCollector, type CollectorProcess } from '../support/collector-process.ts';
import { consumeEventSink, type EventSink } from '../support/consumer.ts';
import { startMonitorProcess } from '../support/monitor-process.ts';
import { startRabbitNode, type RabbitNode } from '../support/rabbitmq-node.ts';
import { waitFor } from '../support/wait-for.ts';

/** The broker that the monitor watches, which comes and goes. */
let watched: RabbitNode;
/** The broker that gets the events. */
let rabbit: RabbitNode;
let collector: CollectorProcess;
let sink: EventSink;

beforeAll(async () => {
  [watched, rabbit] = await Promise.all([startRabbitNode({ management: true }), startRabbitNode()]);
  sink = await consumeEventSink(rabbit.url);
  collector = await startCollector({ amqpUrl: rabbit.url });
});
afterAll(async () => {
  await collector?.stop();
  await sink?.[Symbol.asyncDispose]();
  await Promise.all([watched?.stop(), rabbit?.stop()]);
});

type Body = Readonly<Record<string, unknown>>;

const arrives = (target: string, isWanted: (body: Body) => boolean, what: string): Promise<Body> =>
  waitFor(() => sink.received.map(({ body }) => body).find((body) => body['target'] === target && isWanted(body)), {
    what,
  });

/** The management API has a node's own figures some time after its connections. */
const hasFigures = (body: Body): boolean =>
  Number(body['broker_connections']) >= 1 && body['reported_uptime_s'] !== undefined;

describe('the monitor and RabbitMQ', () => {
  it('reads queues by passive declaration, reports missing ones, and sees the broker go down and come back', async () => {
    const client = await connect(watched.url);
    client.on('error', () => undefined);
    const channel = await client.createChannel();
    channel.on('error', () => undefined);
    await channel.assertQueue('ncsa.wordcount', { durable: true });
    for (let i = 0; i < 3; i += 1) channel.sendToQueue('ncsa.wordcount', Buffer.from('job'), { persistent: true });
    await channel.assertQueue('event.sink', { durable: true });
    await channel.consume('event.sink', () => undefined);

    const broker = watched.url.replace('guest:guest@', '');
    await using monitor = await startMonitorProcess({
      telemetry: { endpoint: collector.url },
      defaults: { interval: '300ms', timeout: '5s', retries: 1, retry_pause: '50ms', jitter: 0 },
      probes: [
        {
          name: 'rabbitmq',
          type: 'rabbitmq',
          url: watched.url,
          queues: [
            { name: 'ncsa.wordcount', max_messages: 2 },
            { name: 'event.sink', min_consumers: 1 },
            'private.none',
          ],
          management: { url: watched.managementUrl, user: 'guest', password: 'guest' },
        },
      ],
      notify: [{ type: 'rabbitmq', url: rabbit.url, failures: 2, probes: ['rabbitmq'] }],
    });

    expect(
      await arrives('ncsa.wordcount', (body) => body['queue_length'] === 3, 'the queue that is too long'),
    ).toMatchObject({
      component: 'rabbitmq',
      healthy: false,
      consumers: 0,
      error: '3 messages wait, more than 2',
      type: 'down',
    });
    expect(await arrives('event.sink', (body) => body['consumers'] === 1, 'the queue with its consumer')).toMatchObject(
      {
        healthy: true,
        queue_length: 0,
        type: 'up',
      },
    );
    expect(await arrives('private.none', () => true, 'the queue that is missing')).toMatchObject({
      healthy: false,
      error: 'there is no such queue',
    });
    expect(await arrives(broker, hasFigures, 'figures of the management API')).toMatchObject({
      healthy: true,
      version: expect.stringMatching(/^\d+\.\d+/),
      memory_alarm: false,
      disk_alarm: false,
      blocked_connections: 0,
      reported_uptime_s: expect.any(Number),
    });
    // The readings took no message and made no queue.
    expect((await channel.checkQueue('ncsa.wordcount')).messageCount).toBe(3);
    expect(await watched.rabbitmqctl('list_queues', 'name')).not.toContain('private.none');

    await watched.stopApp();
    // While RabbitMQ shuts down, it may still answer that it is shutting down; later the connection is refused.
    const isAway = ({ healthy, error }: Body): boolean => healthy === false && /ECONNREFUSED/.test(String(error));
    await arrives(broker, isAway, 'the broker that is down');
    await watched.startApp();
    await arrives(broker, (body) => body['changed'] === true && body['healthy'] === true, 'the broker that is back');

    // What the notifier itself publishes, in the existing message format, besides the readings that the collector publishes.
    const told = (): readonly Body[] =>
      sink.received.map(({ body }) => body).filter((body) => body['event'] === undefined && body['target'] === broker);
    await waitFor(() => told().length >= 2, { what: 'the notifications of both changes' });
    expect(told()).toMatchObject([
      {
        category: 'service_status',
        type: 'down',
        service_name: 'rabbitmq',
        healthy: false,
        created: expect.any(Number),
      },
      {
        category: 'service_status',
        type: 'up',
        service_name: 'rabbitmq',
        healthy: true,
        down_for_s: expect.any(Number),
      },
    ]);
    expect(monitor.output()).not.toContain('guest:guest');
    await client.close().catch(() => undefined);
  });

  it('reports changes through RabbitMQ while no collector runs, using the first of its brokers that accepts them', async () => {
    await collector.kill('SIGKILL');
    const away = 'amqp://guest:guest@127.0.0.1:1';
    const withoutSuchHost = `${rabbit.url.replace(/\/$/, '')}/no-such-host`;
    await using monitor = await startMonitorProcess({
      telemetry: { endpoint: collector.url },
      defaults: { interval: '300ms', timeout: '2s', retries: 0 },
      probes: [{ name: 'mongo', type: 'tcp', component: 'mongo', host: '127.0.0.1', port: 1 }],
      notify: [{ type: 'rabbitmq', url: [away, withoutSuchHost, rabbit.url].join(',') }],
    });
    const told = await waitFor(
      () => sink.received.find(({ body }) => body['service_name'] === 'mongo' && body['event'] === undefined),
      { what: 'the message' },
    );
    expect(told.body).toMatchObject({ category: 'service_status', type: 'down', target: '127.0.0.1:1' });
    expect((await monitor.health()).spool.requests).toBeGreaterThan(0);
    await expect(monitor.kill()).resolves.toMatchObject({ code: 0 });
  });
});
