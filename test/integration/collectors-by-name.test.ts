import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { derivedEventId } from '../../taxonomy/event-id.ts';
import { runCli, startCollector, type CollectorProcess } from '../support/collector-process.ts';
import { consumeEventSink, type EventSink } from '../support/consumer.ts';
import { form } from '../support/form.ts';
import { startKubernetesApi } from '../support/kubernetes-api.ts';
import { linesOf, observedRequest, sendOtlp, spansOf, type ObservedRequest } from '../support/observed-requests.ts';
import { byKubernetes, startShippedOtelCollector, type ShippedOtelCollector } from '../support/otel-collector.ts';
import { freePort, tempDir } from '../support/processes.ts';
import { openVhost, type VirtualHost } from '../support/virtual-host.ts';
import { waitFor } from '../support/wait-for.ts';

const REQUESTS = form({ short: 1500, long: 20_000 });
const BATCH = 100;
const NAME = 'collectors.example';
/** Without a key, a collector accepts only requests that name this machine. */
const KEY = randomBytes(32).toString('hex');
const ENV = { COLLECTORS: 'several', CLOWDER_VERSION: 'v1', CLOWDER_OTEL_FIRST_KEY: KEY };

let vhost: VirtualHost;
let sink: EventSink;
let dir: Awaited<ReturnType<typeof tempDir>>;
let gateway: ShippedOtelCollector;
let grpcPort: number;
let first: CollectorProcess;
let second: CollectorProcess;
let third: CollectorProcess;

/** Makes the name resolve to these hosts, as DNS does after a change. */
const name = (...hosts: readonly string[]): Promise<void> =>
  writeFile(join(dir.path, 'hosts'), ['127.0.0.1 localhost', ...hosts.map((host) => `${host} ${NAME}`)].join('\n'));

/** Its key, and where it sends and finds what this test does not use. */
const gatewayEnv = (): Readonly<Record<string, string>> => ({
  CLOWDER_OTEL_API_KEY: KEY,
  JAEGER_OTLP_URL: 'http://127.0.0.1:1',
  NGINX_LOG_DIR: join(dir.path, 'no-logs'),
});

beforeAll(async () => {
  [vhost, dir] = [await openVhost(), await tempDir('names')];
  sink = await consumeEventSink(vhost.url);
  grpcPort = await freePort();
  const start = (host: string): Promise<CollectorProcess> => startCollector({ amqpUrl: vhost.url, host, grpcPort, env: ENV }); // prettier-ignore
  [first, second, third] = await Promise.all([start('127.0.0.2'), start('127.0.0.3'), start('127.0.0.4')]);
  await name('127.0.0.2', '127.0.0.3');
  gateway = await startShippedOtelCollector({
    with: ['collectors-dns.yaml'],
    hosts: join(dir.path, 'hosts'),
    env: () => ({ CLOWDER_OTEL_COLLECTORS: NAME, CLOWDER_OTEL_GRPC_PORT: String(grpcPort), ...gatewayEnv() }),
  });
});

afterAll(async () => {
  await gateway.stop();
  for (const member of [first, second, third]) await member.stop();
  await sink[Symbol.asyncDispose]();
  await vhost[Symbol.asyncDispose]();
  await dir.remove();
});

const requestsOf = (count: number): readonly ObservedRequest[] =>
  Array.from({ length: count }, () => observedRequest());
const idOf = ({ traceId, fileId }: ObservedRequest): string => derivedEventId(traceId, 'view.download', fileId);

/** Both observers report them, batch by batch. */
async function observe(requests: readonly ObservedRequest[], { url } = gateway): Promise<void> {
  const tell = (signal: 'traces' | 'logs', body: object): Promise<boolean> =>
    waitFor(() => sendOtlp(url, signal, body), { timeoutMs: 60_000, what: 'an accepted batch' });
  for (let from = 0; from < requests.length; from += BATCH) {
    const batch = requests.slice(from, from + BATCH);
    await tell('traces', spansOf(batch));
    await tell('logs', linesOf(batch));
  }
}

async function eventsOf(member: CollectorProcess): Promise<number> {
  const text = await (await fetch(`${member.url}/metrics`)).text();
  const lines = text.split('\n').filter((line) => line.startsWith('clowder_otel_events_total{'));
  return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
}

/** Waits for an event of each request. @returns how many came more than once */
async function copiesOf(requests: readonly ObservedRequest[]): Promise<number> {
  const wanted = new Set(requests.map(idOf));
  const arrived = (): readonly string[] => sink.ids().filter((id) => wanted.has(id));
  await waitFor(() => new Set(arrived()).size === wanted.size, {
    timeoutMs: 120_000,
    what: 'an event of each request',
  });
  return arrived().length - wanted.size;
}

/** Distinct ids: an event that came under another id than its request's would count twice. */
const downloads = (): number =>
  new Set(sink.received.filter(({ routingKey }) => routingKey === 'view.download').map(({ messageId }) => messageId))
    .size;

describe('collectors behind one name', () => {
  test('share the requests, and both observers of a request reach the same collector', async () => {
    const requests = requestsOf(REQUESTS);
    await observe(requests);
    expect(await copiesOf(requests)).toBe(0);
    expect(await eventsOf(first)).toBeGreaterThan(REQUESTS / 4);
    expect(await eventsOf(second)).toBeGreaterThan(REQUESTS / 4);
    expect(downloads()).toBe(REQUESTS);
  });

  test('give a new collector its share once the name resolves to it; an event that comes twice then has one id', async () => {
    expect(await eventsOf(third)).toBe(0);
    const all: ObservedRequest[] = [];
    await name('127.0.0.2', '127.0.0.3', '127.0.0.4');
    const isUsed = async (): Promise<boolean> => {
      const some = requestsOf(BATCH);
      all.push(...some);
      await observe(some);
      return (await eventsOf(third)) > 0;
    };
    await waitFor(isUsed, { timeoutMs: 60_000, what: 'events of the new one' });
    const copies = await copiesOf(all);
    const before = await eventsOf(third);
    const later = requestsOf(REQUESTS);
    await observe(later);
    // After the change, nothing comes twice.
    expect(await copiesOf(later)).toBe(0);
    expect((await eventsOf(third)) - before).toBeGreaterThan(REQUESTS / 6);
    expect(downloads()).toBe(2 * REQUESTS + all.length);
    console.info(`one collector more, ${all.length} requests meanwhile: ${copies} events came twice`);
  });

  test('take over from one that died once the name resolves to the others only; its journal is drained', async () => {
    const before = downloads();
    const requests = requestsOf(REQUESTS);
    const sending = observe(requests);
    await waitFor(() => downloads() - before > REQUESTS / 5, { timeoutMs: 60_000, what: 'the first fifth' });
    await second.kill('SIGKILL');
    await name('127.0.0.2', '127.0.0.4');
    await sending;
    await runCli(['journal', 'drain', second.dataDir], { AMQP_URL: vhost.url, ...ENV });
    const copies = await copiesOf(requests);
    expect(downloads() - before).toBe(REQUESTS);
    console.info(`${REQUESTS} requests, one collector of three killed: ${copies} events came twice`);
  });
});

describe("collectors that Kubernetes' API lists", () => {
  test('get requests while their pods are ready; the API is asked for nothing but their EndpointSlices', async () => {
    const service = 'clowder-otel-collector-pods';
    await using api = await startKubernetesApi('lab', service, grpcPort);
    const pods = ['127.0.0.2', '127.0.0.4'].map((address, index) => ({ hostname: `collector-${index}`, address }));
    const file = (named: string): string => join(dir.path, named);
    await writeFile(
      file('pods'),
      pods.map(({ hostname, address }) => `${address} ${hostname}.${service}.lab`).join('\n'),
    );
    await writeFile(file('kubeconfig'), api.kubeconfig);
    await writeFile(file('kubernetes.yaml'), await byKubernetes('lab', grpcPort));
    api.ready(pods.slice(0, 1));
    await using asking = await startShippedOtelCollector({
      others: [file('kubernetes.yaml')],
      hosts: file('pods'),
      env: () => ({ KUBECONFIG: file('kubeconfig'), ...gatewayEnv() }),
    });
    /** How many more events each collector has after another batch. */
    const another = async () => {
      const before = [await eventsOf(first), await eventsOf(third)] as const;
      const requests = requestsOf(BATCH);
      await observe(requests, asking);
      await copiesOf(requests);
      return { toFirst: (await eventsOf(first)) - before[0], toThird: (await eventsOf(third)) - before[1] };
    };
    expect(await another()).toEqual({ toFirst: BATCH, toThird: 0 });
    api.ready(pods);
    await waitFor(async () => (await another()).toThird > 0, { timeoutMs: 60_000, what: 'events of the new pod' });
    api.ready(pods.slice(1));
    await waitFor(async () => (await another()).toFirst === 0, {
      timeoutMs: 60_000,
      what: 'no more for the pod that left',
    });
    expect(api.asked.filter(({ verb }) => verb === 'other')).toEqual([]);
    expect(api.asked.map(({ verb }) => verb)).toContain('watch');
  });
});
