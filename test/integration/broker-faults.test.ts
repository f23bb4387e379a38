import { connect } from 'amqplib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createAuthority, type Authority, type CertificatePaths } from '../support/certificates.ts';
import { startCollector, type CollectorProcess } from '../support/collector-process.ts';
import { bindEventSink, consumeEventSink, type EventSink } from '../support/consumer.ts';
import { freePort, tempDir } from '../support/processes.ts';
import { startRabbitNode, type RabbitNode } from '../support/rabbitmq-node.ts';
import { forwardTcp } from '../support/tcp-forwarder.ts';
import { waitFor } from '../support/wait-for.ts';

const FILE = '5f1e00000000000000000001';

let scratch: Awaited<ReturnType<typeof tempDir>>;
let authority: Authority;
let client: CertificatePaths;
let broker: RabbitNode;

beforeAll(async () => {
  scratch = await tempDir('broker-faults');
  authority = await createAuthority(scratch.path, 'own');
  const server = await authority.issue('server');
  client = await authority.issue('client');
  broker = await startRabbitNode({ tls: { ca: authority.ca, ...server } });
});

afterAll(async () => {
  await broker.stop();
  await scratch.remove();
});

/** URL of a new virtual host for one test. */
async function ownVhost(name: string): Promise<string> {
  await broker.rabbitmqctl('add_vhost', name);
  await broker.rabbitmqctl('set_permissions', '-p', name, 'guest', '.*', '.*', '.*');
  return `${broker.url}/${name}`;
}

async function post(collector: CollectorProcess, ids: readonly string[], event = 'file.uploaded'): Promise<void> {
  for (const event_id of ids) {
    const response = await fetch(`${collector.url}/api/v1/events`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ event, event_id, file_id: FILE }),
    });
    expect(response.status).toBe(202);
  }
}

interface Readyz {
  readonly status: string;
  readonly checks: { readonly broker: { readonly ok: boolean; readonly broker: string; readonly reason?: string } };
}
const readyz = async (collector: CollectorProcess): Promise<Readyz> =>
  (await (await fetch(`${collector.url}/readyz`)).json()) as Readyz;

/** The reason in the broker check, once it matches. */
const reasonOf = (collector: CollectorProcess, says: RegExp): Promise<string> =>
  waitFor(async () => (await readyz(collector)).checks.broker.reason?.match(says)?.input, { what: String(says) });

async function metric(collector: CollectorProcess, name: string): Promise<number> {
  const text = await (await fetch(`${collector.url}/metrics`)).text();
  const line = text.split('\n').find((one) => one.startsWith(`clowder_otel_${name} `));
  return Number(line?.split(' ').at(-1) ?? 0);
}

const arrived = (sink: EventSink, count: number): Promise<boolean> =>
  waitFor(() => sink.received.length >= count, { what: `${count} events` });

describe('a broker that blocks publishers', () => {
  test('shows in /readyz; publishing stops at once, and the waiting events go out in order when it unblocks', async () => {
    await bindEventSink(broker.url);
    await using collector = await startCollector({ amqpUrl: broker.url });
    await using sink = await consumeEventSink(broker.url);
    await post(collector, ['before']);
    await arrived(sink, 1);
    await broker.rabbitmqctl('set_vm_memory_high_watermark', '0');
    try {
      // RabbitMQ tells a publisher only at its next publish.
      await post(collector, ['blocked-0']);
      expect(await reasonOf(collector, /blocked/)).toBe(
        'RabbitMQ has blocked publishers: it is short of memory or disk',
      );
      expect((await readyz(collector)).status).toBe('degraded');
      const sent = await metric(collector, 'unconfirmed_messages');
      const ids = Array.from({ length: 50 }, (_, index) => `blocked-${index + 1}`);
      await post(collector, ids);
      expect(await metric(collector, 'unconfirmed_messages')).toBe(sent);
      expect(sink.received.length).toBe(1);

      await broker.rabbitmqctl('set_vm_memory_high_watermark', '0.4');
      await arrived(sink, 52);
      expect(sink.received.map((one) => one.messageId)).toEqual(['before', 'blocked-0', ...ids]);
      await waitFor(async () => (await readyz(collector)).status === 'ready', { what: 'readiness' });
      expect(await metric(collector, 'reconnects_total')).toBe(0);
    } finally {
      await broker.rabbitmqctl('set_vm_memory_high_watermark', '0.4');
    }
  });
});

describe('amqps', () => {
  let other: Authority;
  beforeAll(async () => {
    other = await createAuthority(scratch.path, 'other');
  });
  const files = (): Record<string, string> => ({
    AMQP_CA_FILE: authority.ca,
    AMQP_CERT_FILE: client.cert,
    AMQP_KEY_FILE: client.key,
  });
  const secured = (env: Record<string, string>): Promise<CollectorProcess> =>
    startCollector({ amqpUrl: broker.tlsUrl, env });

  test('publishes with the CA and the client certificate', async () => {
    await using sink = await consumeEventSink(broker.url);
    await using collector = await secured(files());
    await post(collector, ['over TLS']);
    await arrived(sink, 1);
    expect(await readyz(collector)).toMatchObject({
      status: 'ready',
      checks: { broker: { ok: true, broker: broker.tlsUrl.replace('guest@', '***@') } },
    });
  });

  test.each<[what: string, env: () => Record<string, string> | Promise<Record<string, string>>]>([
    ['no CA is configured', () => ({ AMQP_CERT_FILE: client.cert, AMQP_KEY_FILE: client.key })],
    ['the CA is another one', () => ({ ...files(), AMQP_CA_FILE: other.ca })],
    ['there is no client certificate', () => ({ AMQP_CA_FILE: authority.ca })],
    [
      'the client certificate is from another CA',
      async () => {
        const { cert, key } = await other.issue('stranger');
        return { ...files(), AMQP_CERT_FILE: cert, AMQP_KEY_FILE: key };
      },
    ],
  ])('says that TLS failed if %s, and which settings to check', async (_, env) => {
    await using collector = await secured(await env());
    expect(await reasonOf(collector, /TLS/)).toMatch(
      /^TLS with amqps:\/\/guest:\*\*\*@127\.0\.0\.1:\d+ failed: .+\. Check AMQP_CA_FILE, AMQP_CERT_FILE and AMQP_KEY_FILE$/,
    );
    await post(collector, ['taken all the same']);
  });
});

describe('an event that no queue takes', () => {
  /** Binds a queue that takes only `file.deleted`. */
  async function bindDeleted(url: string): Promise<void> {
    const connection = await connect(url);
    const channel = await connection.createChannel();
    await channel.assertQueue('deleted', { durable: true });
    await channel.bindQueue('deleted', 'clowder.events', 'file.deleted');
    await connection.close();
  }
  async function count(url: string, queue: string): Promise<number> {
    const connection = await connect(url);
    const { messageCount } = await (await connection.createChannel()).checkQueue(queue);
    await connection.close();
    return messageCount;
  }

  test('is held while other events go on, and arrives once a queue takes it (ON_UNROUTABLE=hold)', async () => {
    const url = await ownVhost('hold');
    await using collector = await startCollector({ amqpUrl: url });
    await waitFor(async () => (await readyz(collector)).status === 'ready', { what: 'the exchanges' });
    await bindDeleted(url);
    await post(collector, ['held-1', 'held-2']);
    await post(collector, ['between'], 'file.deleted');
    await post(collector, ['held-3']);
    await waitFor(async () => (await count(url, 'deleted')) === 1, { what: 'the event that a queue takes' });
    await waitFor(async () => (await metric(collector, 'published_events_total{outcome="returned"}')) >= 3, {
      what: 'three returns',
    });
    expect(await metric(collector, 'journal_backlog_bytes')).toBeGreaterThan(0);
    await collector.kill('SIGKILL');
    await collector.start();
    await using sink = await consumeEventSink(url);
    await waitFor(() => sink.ids().filter((id) => id.startsWith('held')).length === 3, { what: 'the held events' });
    expect(
      sink
        .ids()
        .filter((id) => id.startsWith('held'))
        .toSorted(),
    ).toEqual(['held-1', 'held-2', 'held-3']);
    await waitFor(async () => (await metric(collector, 'journal_backlog_bytes')) === 0, { what: 'no backlog' });
  });

  test('is counted and dropped (ON_UNROUTABLE=drop)', async () => {
    const url = await ownVhost('drop');
    await using collector = await startCollector({ amqpUrl: url, env: { ON_UNROUTABLE: 'drop' } });
    await post(collector, ['dropped-1', 'dropped-2']);
    await waitFor(async () => (await metric(collector, 'published_events_total{outcome="dropped"}')) === 2, {
      what: 'both to be dropped',
    });
    await waitFor(async () => (await metric(collector, 'journal_backlog_bytes')) === 0, { what: 'no backlog' });
    await using sink = await consumeEventSink(url);
    await post(collector, ['kept']);
    await arrived(sink, 1);
    expect(sink.ids()).toEqual(['kept']);
  });
});

describe('several brokers in AMQP_URL', () => {
  test('the second is used if the first is dead', async () => {
    const url = await ownVhost('second');
    await using sink = await consumeEventSink(url);
    await using collector = await startCollector({
      amqpUrl: `amqp://guest:s3cret@127.0.0.1:${await freePort()},${url}`,
    });
    await post(collector, ['to the second']);
    await arrived(sink, 1);
    expect((await readyz(collector)).checks.broker).toMatchObject({ ok: true, broker: url.replace('guest@', '***@') });
  });

  test('another one takes over if the one in use dies while events come in, and no event is lost', async () => {
    const url = await ownVhost('takeover');
    const ports = [await freePort(), await freePort()];
    const urls = ports.map((port) => Object.assign(new URL(url), { port: String(port) }).href);
    const forwarders = await Promise.all(ports.map((port) => forwardTcp(port, Number(new URL(url).port))));
    await using sink = await consumeEventSink(url);
    await using collector = await startCollector({ amqpUrl: urls.join(',') });
    const ids = Array.from({ length: 200 }, (_, index) => `over-${index}`);
    await post(collector, ids.slice(0, 100));
    const { broker: used } = (await readyz(collector)).checks.broker;
    const index = ports.findIndex((port) => used.includes(`:${port}/`));
    expect(index).toBeGreaterThanOrEqual(0);
    await forwarders[index]?.close();
    await post(collector, ids.slice(100));
    await waitFor(() => sink.ids().length === ids.length, { what: 'all events' });
    expect(sink.ids()).toEqual(ids);
    const { broker: connected, ok } = (await readyz(collector)).checks.broker;
    expect([ok, connected]).toEqual([true, expect.stringContaining(`:${ports[1 - index]}/`)]);
    await forwarders[1 - index]?.close();
  });
});
