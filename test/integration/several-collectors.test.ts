import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { derivedEventId } from '../../taxonomy/event-id.ts';
import { runCli, startCollector, type CollectorProcess } from '../support/collector-process.ts';
import { consumeEventSink, type EventSink } from '../support/consumer.ts';
import { form } from '../support/form.ts';
import { linesOf, observedRequest, sendOtlp, spansOf, type ObservedRequest } from '../support/observed-requests.ts';
import { startShippedOtelCollector, type ShippedFile, type ShippedOtelCollector } from '../support/otel-collector.ts';
import { openVhost, type VirtualHost } from '../support/virtual-host.ts';
import { waitFor } from '../support/wait-for.ts';

const REQUESTS = form({ short: 3000, long: 20_000 });
const BATCH = 100;
const ENV = { COLLECTORS: 'several', CLOWDER_VERSION: 'v1' };

let vhost: VirtualHost;
let sink: EventSink;
let members: CollectorProcess[];
let gateway: ShippedOtelCollector;
let files: readonly ShippedFile[] = ['collectors.yaml'];

beforeAll(async () => {
  vhost = await openVhost();
  sink = await consumeEventSink(vhost.url);
  members = await Promise.all([1, 2, 3].map(() => startCollector({ amqpUrl: vhost.url, env: ENV })));
  gateway = await startShippedOtelCollector({
    with: () => files,
    env: () => ({
      ...Object.fromEntries(members.map(({ url }, index) => [`CLOWDER_OTEL_URL_${index + 1}`, url])),
      JAEGER_OTLP_URL: 'http://127.0.0.1:1',
      NGINX_LOG_DIR: gatewayLogs,
    }),
  });
});

/** There is no log in this directory. */
const gatewayLogs = '/var/log/no-such-directory';

afterAll(async () => {
  await gateway.stop();
  for (const member of members) await member.stop();
  await sink[Symbol.asyncDispose]();
  await vhost[Symbol.asyncDispose]();
});

const idOf = ({ traceId, fileId }: ObservedRequest): string => derivedEventId(traceId, 'view.download', fileId);

/** Both observers report them, one a while after the other. What is refused is sent again, as their own queues would do. */
async function observe(requests: readonly ObservedRequest[]): Promise<void> {
  let told: readonly ObservedRequest[] = [];
  const tell = (signal: 'traces' | 'logs', body: object): Promise<boolean> =>
    waitFor(() => sendOtlp(gateway.url, signal, body), { timeoutMs: 60_000, what: 'an accepted batch' });
  for (let from = 0; from <= requests.length; from += BATCH) {
    const batch = requests.slice(from, from + BATCH);
    if (batch.length > 0) await tell('traces', spansOf(batch));
    if (told.length > 0) await tell('logs', linesOf(told));
    told = batch;
  }
}

async function eventsOf(member: CollectorProcess): Promise<number> {
  const text = await (await fetch(`${member.url}/metrics`)).text();
  const lines = text.split('\n').filter((line) => line.startsWith('clowder_otel_events_total{'));
  return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
}

const allArrived = (requests: readonly ObservedRequest[]): Promise<boolean> => {
  const wanted = requests.map(idOf);
  const haveAllArrived = (): boolean => {
    const arrived = new Set(sink.ids());
    return wanted.every((id) => arrived.has(id));
  };
  return waitFor(haveAllArrived, { timeoutMs: 120_000, what: 'an event of each request' });
};

describe('three collectors', () => {
  test('get a third of the requests each, and both observers of a request reach the same one', async () => {
    const requests = Array.from({ length: REQUESTS }, () => observedRequest());
    await observe(requests);
    await allArrived(requests);
    const shares = await Promise.all(members.map(eventsOf));
    expect(shares.reduce((sum, one) => sum + one, 0)).toBe(REQUESTS);
    for (const share of shares) expect(share).toBeGreaterThan(REQUESTS / 6);
    expect(sink.received).toHaveLength(REQUESTS);
  });

  test('get all requests of one client at one of them', async () => {
    const before = await Promise.all(members.map(eventsOf));
    const requests = Array.from({ length: 60 }, () => observedRequest('7c'));
    await observe(requests);
    await allArrived(requests);
    const after = await Promise.all(members.map(eventsOf));
    expect(after.map((count, index) => count - (before[index] ?? 0)).toSorted((a, b) => a - b)).toEqual([0, 0, 60]);
  });

  test('lose nothing if one is replaced after a kill: the others go on, its share waits, its journal is drained', async () => {
    const before = sink.received.length;
    const requests = Array.from({ length: REQUESTS }, () => observedRequest());
    const third = Math.ceil(REQUESTS / 3);
    const [, gone] = members;
    if (gone === undefined) throw new Error('there is no second collector');
    const sending = observe(requests);
    await waitFor(() => sink.received.length - before > third / 2, { what: 'the first third' });
    await gone.kill('SIGKILL');
    const atKill = sink.received.length;
    await waitFor(() => sink.received.length - atKill > third / 2, { timeoutMs: 60_000, what: 'events of the others' });
    await runCli(['journal', 'drain', gone.dataDir], { AMQP_URL: vhost.url, ...ENV });
    await gone.stop();
    // A new collector with an empty directory, at the same address.
    members[1] = await startCollector({ amqpUrl: vhost.url, port: gone.port, env: ENV });
    await sending;
    await allArrived(requests);
    await waitFor(async () => (await Promise.all(members.map(isIdle))).every(Boolean), { what: 'idle collectors' });
    const copies = sink.received.length - before - REQUESTS;
    console.info(
      `${REQUESTS} requests, two observers, one collector of three replaced: ${copies} events came twice, with the same message_id`,
    );
    expect(idsOfDownloads().size).toBe(2 * REQUESTS + 60);
    // What the killed collector had accepted but not acknowledged, and what only one observer had reported to it.
    expect(copies).toBeLessThan(third);
  });

  test('become four as the page says: the new one gets a quarter, and what comes twice has one id', async () => {
    const before = sink.received.length;
    const downloads = idsOfDownloads().size;
    members.push(await startCollector({ amqpUrl: vhost.url, env: ENV }));
    const requests = Array.from({ length: REQUESTS }, () => observedRequest());
    const sending = observe(requests);
    await waitFor(() => sink.received.length - before > REQUESTS / 3, { timeoutMs: 60_000, what: 'the first third' });
    files = ['collectors.yaml', 'collectors-4.yaml'];
    await gateway.kill('SIGTERM');
    await gateway.start();
    await sending;
    await allArrived(requests);
    await waitFor(async () => (await Promise.all(members.map(isIdle))).every(Boolean), { what: 'idle collectors' });
    const copies = sink.received.length - before - REQUESTS;
    console.info(
      `${REQUESTS} requests, a fourth collector meanwhile: ${copies} events came twice, with the same message_id`,
    );
    expect(idsOfDownloads().size - downloads).toBe(REQUESTS);
    // One or two batches, of the groups that moved.
    expect(copies).toBeLessThan(4 * BATCH);

    const [newest] = members.slice(-1);
    if (newest === undefined) throw new Error('there is no fourth collector');
    const [share, received] = [await eventsOf(newest), sink.received.length];
    const later = Array.from({ length: REQUESTS }, () => observedRequest());
    await observe(later);
    await allArrived(later);
    expect(sink.received.length - received).toBe(REQUESTS);
    expect((await eventsOf(newest)) - share).toBeGreaterThan(REQUESTS / 8);
  });
});

const idsOfDownloads = (): ReadonlySet<string> =>
  new Set(sink.received.filter(({ routingKey }) => routingKey === 'view.download').map(({ messageId }) => messageId));

async function isIdle(member: CollectorProcess): Promise<boolean> {
  const text = await (await fetch(`${member.url}/metrics`)).text();
  return /^clowder_otel_unconfirmed_messages 0$/m.test(text) && /^clowder_otel_journal_backlog_bytes 0$/m.test(text);
}
