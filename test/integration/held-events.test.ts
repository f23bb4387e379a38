import { connect, type Channel } from 'amqplib';
import { describe, expect, test } from 'vitest';
import { runCli, startCollector, type CollectorProcess } from '../support/collector-process.ts';
import { consumeEventSink } from '../support/consumer.ts';
import { openVhost } from '../support/virtual-host.ts';
import { waitFor } from '../support/wait-for.ts';

const FILE = '5f1e00000000000000000001';

/** A channel for one test; closing it closes its connection. */
async function openChannel(url: string): Promise<AsyncDisposable & { readonly channel: Channel }> {
  const connection = await connect(url);
  const channel = await connection.createChannel();
  return { channel, [Symbol.asyncDispose]: () => connection.close() };
}

async function post(collector: CollectorProcess, ids: readonly string[], event = 'file.uploaded'): Promise<void> {
  const response = await fetch(`${collector.url}/api/v1/events`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(ids.map((event_id) => ({ event, event_id, file_id: FILE }))),
  });
  expect(response.status).toBe(202);
}

interface Check {
  readonly ok: boolean;
  readonly events: number;
  readonly reason?: string;
}
interface Readyz {
  readonly status: string;
  readonly checks: Readonly<Record<'unroutable' | 'nacked' | 'unpublishable' | 'broker', Check>>;
}
const readyz = async (collector: CollectorProcess): Promise<Readyz> =>
  (await (await fetch(`${collector.url}/readyz`)).json()) as Readyz;
const isReady = async (collector: CollectorProcess): Promise<boolean> => (await readyz(collector)).status === 'ready';
const holds = (collector: CollectorProcess, reason: 'unroutable' | 'nacked', events: number): Promise<Readyz> =>
  waitFor(
    async () => {
      const found = await readyz(collector);
      return found.checks[reason].events === events && found;
    },
    { timeoutMs: 60_000, what: `${events} ${reason} events` },
  );

async function metric(collector: CollectorProcess, name: string): Promise<number> {
  const text = await (await fetch(`${collector.url}/metrics`)).text();
  const line = text.split('\n').find((one) => one.startsWith(`clowder_otel_${name} `));
  return Number(line?.split(' ').at(-1));
}

const numbered = (prefix: string, count: number): string[] =>
  Array.from({ length: count }, (_, index) => `${prefix}-${index}`);
const linesWith = (collector: CollectorProcess, text: string): number => collector.output().split(text).length - 1;

describe('events that no queue takes', () => {
  test('are reported, 20,000 of them, and published in order as soon as a queue is bound, even after a restart', async () => {
    await using vhost = await openVhost();
    const { url } = vhost;
    await using collector = await startCollector({ amqpUrl: url, env: { LOG_LEVEL: 'info' } });
    const ids = numbered('held', 20_000);
    for (let from = 0; from < ids.length; from += 1000) await post(collector, ids.slice(from, from + 1000));
    const { status, checks } = await holds(collector, 'unroutable', 20_000);
    expect(status).toBe('degraded');
    expect(checks.unroutable.reason).toMatch(/^Events are held: 20000, for up to \d+ s\. No queue is bound/);
    expect(await metric(collector, 'held_events{reason="unroutable"}')).toBe(20_000);
    expect(await metric(collector, 'held_oldest_seconds{reason="unroutable"}')).toBeGreaterThan(0);
    await waitFor(() => linesWith(collector, 'no queue is bound that takes them') > 0, { what: 'the log' });
    await collector.kill('SIGKILL');
    await collector.start();
    await holds(collector, 'unroutable', 20_000);
    await using sink = await consumeEventSink(url);
    const boundAt = performance.now();
    await waitFor(() => sink.received.length >= 20_000, { timeoutMs: 60_000, what: 'all held events' });
    console.info(`20,000 held events: ${Math.round(performance.now() - boundAt)} ms from binding to the last`);
    expect(sink.received.map(({ messageId }) => messageId)).toEqual(ids);
    await waitFor(() => isReady(collector), { what: 'readiness' });
    await waitFor(() => linesWith(collector, 'queues take all types of events again') === 1, { what: 'the log' });
    expect(linesWith(collector, 'no queue is bound that takes them')).toBe(1);
  });

  test('are published at once on request (events retry)', async () => {
    await using vhost = await openVhost();
    const { url } = vhost;
    await using collector = await startCollector({ amqpUrl: url });
    await post(collector, ['asked-1', 'asked-2']);
    await holds(collector, 'unroutable', 2);
    const env = { DATA_DIR: collector.dataDir, PORT: String(collector.port) };
    expect(JSON.parse(await runCli(['events', 'retry'], env))).toEqual({ published: 0, 'still held': 2 });
    await using sink = await consumeEventSink(url);
    expect(JSON.parse(await runCli(['events', 'retry'], env))).toMatchObject({ 'still held': 0 });
    await waitFor(() => sink.ids().length === 2, { what: 'both events' });
    expect(sink.ids()).toEqual(['asked-1', 'asked-2']);
  });

  test('go out by themselves once our binding, which somebody removed, exists again', async () => {
    await using vhost = await openVhost();
    const { url } = vhost;
    await using sink = await consumeEventSink(url);
    await using collector = await startCollector({ amqpUrl: url });
    await post(collector, ['before']);
    await waitFor(() => sink.ids().length === 1, { what: 'the first' });
    await using own = await openChannel(url);
    await own.channel.unbindExchange('clowder.metrics', 'clowder.events', '#');
    await post(collector, ['while it is gone']);
    await waitFor(() => sink.ids().length === 2, { timeoutMs: 60_000, what: 'the second' });
    await own.channel.deleteExchange('clowder.events');
    await post(collector, ['without its exchange']);
    await waitFor(() => sink.ids().length === 3, { timeoutMs: 60_000, what: 'the third' });
    await waitFor(() => isReady(collector), { what: 'readiness' });
  });
});

describe('a full queue that refuses messages (x-overflow: reject-publish)', () => {
  test('is reported; the healthy queue gets each event about once, other events go on, and all arrive once there is room', async () => {
    await using vhost = await openVhost();
    const { url } = vhost;
    await using collector = await startCollector({ amqpUrl: url, env: { LOG_LEVEL: 'info' } });
    await waitFor(() => isReady(collector), { what: 'the exchanges' });
    await using own = await openChannel(url);
    const { channel } = own;
    await channel.assertQueue('full', {
      durable: true,
      arguments: { 'x-max-length': 1, 'x-overflow': 'reject-publish' },
    });
    channel.sendToQueue('full', Buffer.from('it is full'));
    for (const queue of ['healthy', 'others']) await channel.assertQueue(queue, { durable: true });
    for (const queue of ['full', 'healthy']) await channel.bindQueue(queue, 'clowder.events', 'file.uploaded');
    await channel.bindQueue('others', 'clowder.events', 'file.deleted');

    const ids = numbered('nacked', 2000);
    for (let from = 0; from < ids.length; from += 500) await post(collector, ids.slice(from, from + 500));
    const { status, checks } = await holds(collector, 'nacked', 2000);
    expect(status).toBe('degraded');
    expect(checks.nacked.reason).toMatch(/^Events are held: 2000, .*A queue that is bound refuses them/);
    expect(checks.unroutable.ok).toBe(true);
    await post(collector, ['goes on'], 'file.deleted');
    await waitFor(async () => (await channel.checkQueue('others')).messageCount === 1, { what: 'another event' });
    // At least one more try, which gives the healthy queue another copy of the tried event.
    await waitFor(async () => (await channel.checkQueue('healthy')).messageCount > 2000, { what: 'the next try' });
    expect((await channel.checkQueue('healthy')).messageCount).toBeLessThan(2010);
    await waitFor(() => linesWith(collector, 'events are held: a queue refuses them') === 1, { what: 'the log' });

    await channel.purgeQueue('full');
    await channel.deleteQueue('full');
    await runCli(['events', 'retry'], { DATA_DIR: collector.dataDir, PORT: String(collector.port) });
    await holds(collector, 'nacked', 0);
    await waitFor(() => isReady(collector), { what: 'readiness' });
    await waitFor(() => linesWith(collector, 'no queue refuses events any more') === 1, { what: 'the log' });
    expect(await metric(collector, 'unconfirmed_messages')).toBe(0);
  });
});
