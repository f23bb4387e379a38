import { createServer, type Socket } from 'node:net';
import { SpanKind } from '@opentelemetry/api';
import { ExportResultCode, type ExportResult } from '@opentelemetry/core';
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { connect, type GetMessage } from 'amqplib';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  createPublisher,
  RabbitMQSpanExporter,
  toMessage,
  type EventMessage,
  type Outcome,
  type Publisher,
} from '../../exporter/index.ts';
import { connectBroker } from '../../runtime/amqp/connection.ts';
import { fitsShortString } from '../../taxonomy/short-string.ts';
import { asText, WITHOUT_CONTROL } from '../../taxonomy/text.ts';
import { runs } from '../support/form.ts';
import { freePort } from '../support/processes.ts';
import { startRabbitNode, type RabbitNode } from '../support/rabbitmq-node.ts';
import { waitFor } from '../support/wait-for.ts';

const MESSAGES = 2000;
const FILE = '5f1e00000000000000000001';
const RECONNECT = { min: 20, max: 200 };

let node: RabbitNode;

beforeAll(async () => {
  node = await startRabbitNode();
});

afterAll(async () => {
  await node.stop();
});

const message = (id: string): EventMessage =>
  toMessage({
    event_id: id,
    event: 'file.uploaded',
    created: 1_700_000_000_123,
    source: 'api',
    resource_type: 'file',
    resource_id: FILE,
  });

const numbered = (count: number): number[] => Array.from({ length: count }, (_, index) => index);
const settled = (publisher: Publisher, one: EventMessage): Promise<Outcome> =>
  new Promise((resolve, reject) => {
    if (!publisher.publish(one, resolve)) reject(new Error('not taken'));
  });

async function bind(queue: string): Promise<void> {
  const connection = await connect(node.url);
  const channel = await connection.createChannel();
  await channel.assertQueue(queue, { durable: true });
  await channel.bindQueue(queue, 'clowder.metrics', '');
  await connection.close();
}

async function drain(queue: string): Promise<GetMessage[]> {
  const connection = await connect(node.url);
  const channel = await connection.createChannel();
  const messages: GetMessage[] = [];
  for (
    let got = await channel.get(queue, { noAck: true });
    got !== false;
    got = await channel.get(queue, { noAck: true })
  )
    messages.push(got);
  await channel.deleteQueue(queue);
  await connection.close();
  return messages;
}

describe('the publisher', () => {
  test('declares the topology; it returns a message without a queue and confirms one with a queue', async () => {
    const publisher = createPublisher({ urls: node.url, reconnectMs: RECONNECT });
    await publisher.ready();
    expect(await node.rabbitmqctl('list_exchanges', '--silent', 'name', 'type', 'durable')).toMatch(
      /clowder\.events\ttopic\ttrue[^]*clowder\.metrics\tfanout\ttrue|clowder\.metrics\tfanout\ttrue[^]*clowder\.events\ttopic\ttrue/,
    );
    const twice = [settled(publisher, message('lost')), settled(publisher, message('lost'))];
    expect(await Promise.all(twice)).toEqual(['returned', 'returned']);
    await bind('read-back');
    expect(await settled(publisher, message('kept'))).toBe('confirmed');
    expect(await publisher.close()).toEqual([]);
    const [kept, ...more] = await drain('read-back');
    expect(more).toEqual([]);
    expect(kept?.fields).toMatchObject({ exchange: 'clowder.events', routingKey: 'file.uploaded' });
    expect(kept?.content).toEqual(message('kept').content);
    expect(kept?.properties).toMatchObject({
      messageId: 'kept',
      deliveryMode: 2,
      headers: message('kept').options.headers,
    });
  });

  test('brings every message through a SIGKILL of the broker, in order', async () => {
    const publisher = createPublisher({ urls: node.url, reconnectMs: RECONNECT });
    await publisher.ready();
    await bind('survivors');
    // RabbitMQ writes a new binding to disk up to two seconds later, and a SIGKILL before that would lose it.
    await node.rabbitmqctl('eval', 'mnesia:sync_log().');
    let confirmed = 0;
    let restarted: Promise<void> | undefined;
    for (let number = 0; number < MESSAGES; number += 1) {
      if (number === 700) restarted = node.kill().then(() => node.start());
      while (!publisher.publish(message(`m${number}`), (outcome) => (confirmed += outcome === 'confirmed' ? 1 : 0)))
        await publisher.ready();
      if (number % 50 === 0) await new Promise(setImmediate);
    }
    await restarted;
    // A message that is nacked or returned is never confirmed: the counters show that sooner than a time-out. A busy machine
    // may exceed the time for a confirm, after which the connection counts as dead, more than once.
    const answered = (): number => confirmed + publisher.counters.nacked + publisher.counters.returned;
    await waitFor(() => answered() === MESSAGES, { what: 'every answer', timeoutMs: 240_000 });
    expect(publisher.counters).toMatchObject({ nacked: 0, returned: 0 });
    // A starting node may end a connection again, and a busy machine may confirm nothing for half a minute.
    expect(publisher.counters.reconnects).toBeGreaterThanOrEqual(1);
    await publisher.close();
    const ids = new Set((await drain('survivors')).map((one) => String(one.properties.messageId)));
    expect([...ids]).toEqual(Array.from({ length: MESSAGES }, (_, number) => `m${number}`));
  });

  test.each([
    ['a wrong password', (url: string) => url.replace('guest:guest', 'guest:wrong'), 'access_refused'],
    ['an unknown virtual host', (url: string) => `${url}/nowhere`, 'vhost_refused'],
    ['a port where nobody listens', () => 'amqp://127.0.0.1:1', 'connection_refused'],
  ])('reports %s', async (_what, urlOf, code) => {
    const publisher = createPublisher({ urls: urlOf(node.url), reconnectMs: RECONNECT });
    const error = await waitFor(() => publisher.state.lastError, { what: 'the error' });
    expect(error.code).toBe(code);
    expect(error.message).not.toContain('wrong');
    await publisher.close();
  });

  test('reports an exchange of another type', async () => {
    await node.rabbitmqctl('add_vhost', 'other');
    await node.rabbitmqctl('set_permissions', '-p', 'other', 'guest', '.*', '.*', '.*');
    const connection = await connect(`${node.url}/other`);
    await (await connection.createChannel()).assertExchange('clowder.events', 'fanout');
    await connection.close();
    const publisher = createPublisher({ urls: `${node.url}/other`, reconnectMs: RECONNECT });
    const error = await waitFor(() => publisher.state.lastError, { what: 'the error' });
    expect(error.code).toBe('topology_mismatch');
    await publisher.close();
  });

  test('uses the second broker if the first is down', async () => {
    const publisher = createPublisher({
      urls: `amqp://127.0.0.1:${await freePort()},${node.url}`,
      reconnectMs: RECONNECT,
    });
    await publisher.ready();
    expect(publisher.state).toMatchObject({ connected: true, broker: node.url.replace('guest@', '***@') });
    await publisher.close();
  });

  test('leaves no connection behind when it is closed while connecting', async () => {
    const silent = new Set<Socket>();
    const server = createServer((socket) =>
      silent.add(socket.on('close', () => silent.delete(socket)).on('error', () => undefined)),
    ).listen(0, '127.0.0.1');
    const address = await waitFor(() => server.address() ?? undefined, { what: 'the server' });
    const publisher = createPublisher({ urls: `amqp://127.0.0.1:${typeof address === 'string' ? '' : address.port}` });
    await waitFor(() => silent.size === 1, { what: 'the connection' });
    await publisher.close();
    for (const socket of silent) socket.resume();
    await waitFor(() => silent.size === 0, { timeoutMs: 2000, what: 'the end of the connection' });
    server.close();
  });

  test("publishes an SDK's span, which can be read back", async () => {
    await bind('spans');
    const memory = new InMemorySpanExporter();
    const provider = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter: memory })] });
    provider
      .getTracer('test')
      .startSpan('GET', {
        kind: SpanKind.SERVER,
        attributes: {
          'http.request.method': 'GET',
          'url.path': `/api/files/${FILE}/blob`,
          'http.response.status_code': 200,
        },
      })
      .end();
    const spans = await waitFor(() => memory.getFinishedSpans().length > 0 && memory.getFinishedSpans(), {
      what: 'the span',
    });
    const exporter = new RabbitMQSpanExporter({ urls: node.url });
    expect(await new Promise<ExportResult>((resolve) => exporter.export(spans, resolve))).toEqual({
      code: ExportResultCode.SUCCESS,
    });
    await exporter.shutdown();
    await provider.shutdown();
    const [event] = await drain('spans');
    expect(JSON.parse(event?.content.toString() ?? '')).toMatchObject({
      event: 'view.download',
      resource_id: FILE,
      trace_id: spans[0]?.spanContext().traceId,
    });
  });

  test('closes within its time-out when the broker is dead, and returns what is not confirmed', async () => {
    const publisher = createPublisher({ urls: node.url, reconnectMs: RECONNECT });
    await publisher.ready();
    const killed = node.kill();
    publisher.publish(message('left'), () => undefined);
    await killed;
    const left = await publisher.close({ timeoutMs: 500 });
    expect(left.length).toBeLessThanOrEqual(1);
  });
});

describe('a message that the broker refuses', () => {
  beforeAll(async () => {
    // The previous test killed it.
    await node.start();
  });

  const large = (id: string): EventMessage => ({ ...message(id), content: Buffer.alloc(8000, 'x') });
  const answers = (
    publisher: Publisher,
    all: readonly EventMessage[],
  ): Promise<readonly (readonly [Outcome, string])[]> =>
    Promise.all(
      all.map(
        (one) =>
          new Promise<readonly [Outcome, string]>((resolve) => {
            publisher.publish(one, (outcome, reason = '') => resolve([outcome, reason]));
          }),
      ),
    );

  test('with any id that intake accepts is matched to its return if no queue takes it', async () => {
    await node.rabbitmqctl('add_vhost', 'returns');
    await node.rabbitmqctl('set_permissions', '-p', 'returns', 'guest', '.*', '.*', '.*');
    const publisher = createPublisher({ urls: `${node.url}/returns`, reconnectMs: RECONNECT });
    await publisher.ready();
    const unit = fc.oneof(fc.string({ unit: 'binary', maxLength: 1 }), fc.constantFrom('€', '測', '\ud83d', '👩‍🔬', '"'));
    const id = fc.array(unit, { minLength: 1, maxLength: 80 }).map((units) => asText(units.join('')));
    const accepted = id.filter((one) => one !== '' && WITHOUT_CONTROL.test(one) && fitsShortString(one));
    const outcomes = await answers(publisher, fc.sample(accepted, runs(1000).numRuns).map(message));
    expect(outcomes.filter(([outcome]) => outcome !== 'returned')).toEqual([]);
    await publisher.close();
  });

  test("for its size gets the broker's reason, on the same connection, and the others are confirmed", async () => {
    await node.rabbitmqctl('eval', 'application:set_env(rabbit, max_message_size, 4000).');
    const publisher = createPublisher({ urls: node.url, reconnectMs: RECONNECT });
    try {
      await publisher.ready();
      await bind('sizes');
      const outcomes = await answers(publisher, [
        message('s1'),
        large('s2'),
        message('s3'),
        large('s4'),
        message('s5'),
      ]);
      expect(outcomes.map(([outcome]) => outcome)).toEqual([
        'confirmed',
        'refused',
        'confirmed',
        'refused',
        'confirmed',
      ]);
      expect(outcomes[1]?.[1]).toMatch(/message size 8000 is larger than configured max size 4000/);
      expect(publisher.counters.reconnects).toBe(0);
      expect(await settled(publisher, message('s6'))).toBe('confirmed');
    } finally {
      await node.rabbitmqctl('eval', 'application:set_env(rabbit, max_message_size, 134217728).');
      await publisher.close();
      await drain('sizes');
    }
  });

  test('for its routing key is refused, and other keys are confirmed', async () => {
    await node.rabbitmqctl('set_topic_permissions', 'guest', 'clowder.events', '^file', '.*');
    const publisher = createPublisher({ urls: node.url, reconnectMs: RECONNECT });
    try {
      await publisher.ready();
      await bind('keys');
      const other = { ...message('k2'), routingKey: 'view.page' };
      const outcomes = await answers(publisher, [message('k1'), other, message('k3')]);
      expect(outcomes.map(([outcome]) => outcome)).toEqual(['confirmed', 'refused', 'confirmed']);
      expect(outcomes[1]?.[1]).toMatch(/access to topic 'view\.page'/);
    } finally {
      await node.rabbitmqctl('clear_topic_permissions', 'guest');
      await publisher.close();
      await drain('keys');
    }
  });

  test('for its routing key is refused together with others like it, by one answer of the broker', async () => {
    await node.rabbitmqctl('set_topic_permissions', 'guest', 'clowder.events', '^file', '.*');
    let channels = 0;
    const publisher = createPublisher({
      urls: node.url,
      reconnectMs: RECONNECT,
      connect: async (...args) => {
        const model = await connectBroker(...args);
        const create = model.createConfirmChannel.bind(model);
        model.createConfirmChannel = (options) => {
          channels += 1;
          return create(options);
        };
        return model;
      },
    });
    try {
      await publisher.ready();
      await bind('many');
      const many = numbered(500).flatMap((id) => [{ ...message(`no${id}`), routingKey: 'view.page' }, message(`yes${id}`)]); // prettier-ignore
      for (const part of [many.slice(0, 4), many.slice(4)]) {
        const outcomes = await answers(publisher, part);
        const right = part.map(({ routingKey }) => (routingKey === 'view.page' ? 'refused' : 'confirmed'));
        expect(outcomes.map(([outcome]) => outcome)).toEqual(right);
        for (const [outcome, reason] of outcomes)
          if (outcome === 'refused') expect(reason).toMatch(/access to topic 'view\.page'/);
      }
      expect(channels).toBeLessThan(50);
    } finally {
      await node.rabbitmqctl('clear_topic_permissions', 'guest');
    }
    // The broker is asked again after growing pauses.
    const asked = async (): Promise<boolean> =>
      (await answers(publisher, [{ ...message('later'), routingKey: 'view.page' }]))[0]?.[0] === 'confirmed';
    await waitFor(asked, { timeoutMs: 30_000, what: 'a type that is permitted again' });
    await publisher.close();
    await drain('many');
  });

  test('because a queue is full is nacked once, and does not fill the window', async () => {
    const publisher = createPublisher({ urls: node.url, reconnectMs: RECONNECT, window: 10 });
    await publisher.ready();
    const connection = await connect(node.url);
    const channel = await connection.createChannel();
    await channel.assertQueue('full', {
      durable: true,
      arguments: { 'x-max-length': 1, 'x-overflow': 'reject-publish' },
    });
    await channel.bindQueue('full', 'clowder.metrics', '');
    channel.sendToQueue('full', Buffer.from('it is full'));
    await bind('healthy');
    try {
      const ids = Array.from({ length: 10 }, (_, index) => `n${index}`);
      const outcomes = await answers(publisher, ids.map(message));
      expect(outcomes.map(([outcome]) => outcome)).toEqual(ids.map(() => 'nacked'));
      expect(publisher.state.unconfirmed).toBe(0);
      expect((await drain('healthy')).map(({ properties }) => String(properties.messageId))).toEqual(ids);
    } finally {
      await publisher.close();
      await channel.deleteQueue('full');
      await connection.close();
    }
  });
});
