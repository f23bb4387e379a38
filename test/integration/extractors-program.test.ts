import amqp from 'amqplib';
import { createServer } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { seedId } from '../stand-in/seeds.ts';
import { contentOfFiles, createCanaries } from '../support/canaries.ts';
import { startCollector, type CollectorProcess } from '../support/collector-process.ts';
import { consumeEventSink, type EventSink } from '../support/consumer.ts';
import {
  clowderOnBroker,
  objectId,
  startExtractor,
  type ClowderOnBroker,
  type Plan,
} from '../support/extraction-broker.ts';
import { startMonitorProcess, type MonitorProcess } from '../support/monitor-process.ts';
import { tempDir } from '../support/processes.ts';
import { startProxyProcess } from '../support/proxy-process.ts';
import { startRabbitNode, type RabbitNode } from '../support/rabbitmq-node.ts';
import { startStandIn } from '../support/stand-in.ts';
import { startHookReceiver } from '../support/told.ts';
import { waitFor } from '../support/wait-for.ts';

/** Permissions of the monitor's user: it can consume, declare or write nothing of Clowder's. */
const MONITOR_MAY = {
  configure: String.raw`^(clowder-otel\..*|amq\.gen-.*)$`,
  write: String.raw`^(clowder-otel\..*|amq\.gen-.*|amq\.default)$`,
  read: String.raw`^(clowder-otel\..*|amq\.gen-.*|amq\.rabbitmq\.trace|extractors|clowder\.events)$`,
};

let node: RabbitNode;

beforeAll(async () => {
  node = await startRabbitNode();
  await node.rabbitmqctl('add_user', 'monitor', 'secret');
});
afterAll(async () => node?.stop());

/** A virtual host, with a URL for everybody and one for the monitor's limited user. */
interface Vhost {
  readonly name: string;
  readonly url: string;
  readonly monitorUrl: string;
}

/** Clowder v1 and v2 declare exchange `clowder` differently, so each test has a virtual host of its own. */
async function addVhost(name: string): Promise<Vhost> {
  const { configure, write, read } = MONITOR_MAY;
  await node.rabbitmqctl('add_vhost', name);
  await node.rabbitmqctl('set_permissions', '-p', name, 'guest', '.*', '.*', '.*');
  await node.rabbitmqctl('set_permissions', '-p', name, 'monitor', configure, write, read);
  const url = `${node.url}/${name}`;
  return { name, url, monitorUrl: url.replace('guest:guest@', 'monitor:secret@') };
}

const traceOn = ({ name }: Vhost): Promise<string> => node.rabbitmqctl('trace_on', '-p', name);

interface Site extends AsyncDisposable {
  readonly collector: CollectorProcess;
  readonly monitor: MonitorProcess;
  readonly sink: EventSink;
  readonly spoolDir: string;
  /** Types of a job's events as they arrived in RabbitMQ, each event once, in order. */
  sequence(jobId: string): readonly string[];
  eventsOf(jobId: string): readonly Record<string, unknown>[];
}

/** RabbitMQ, our collector and our monitor, started as an operator does. */
async function startSite(vhost: Vhost): Promise<Site> {
  await traceOn(vhost);
  const stack = new AsyncDisposableStack();
  const spool = await tempDir('monitor-spool');
  stack.defer(() => spool.remove());
  const collector = stack.use(await startCollector({ amqpUrl: vhost.url, env: { LOG_LEVEL: 'info' } }));
  const sink = stack.use(await consumeEventSink(vhost.url));
  const monitor = stack.use(
    await startMonitorProcess({
      spool_dir: spool.path,
      telemetry: { endpoint: collector.url },
      extractors: { url: vhost.monitorUrl, heartbeats: { ping: '1s' }, downloads: { wait: '2s' } },
    }),
  );
  await waitFor(() => monitor.output().includes('the firehose is on'), { what: 'the firehose to be seen on' });
  const eventsOf = (jobId: string): readonly Record<string, unknown>[] => {
    const once = new Map(
      sink.received.filter(({ body }) => body['job_id'] === jobId).map((one) => [one.messageId, one.body]),
    );
    return [...once.values()];
  };
  return {
    collector,
    monitor,
    sink,
    spoolDir: spool.path,
    eventsOf,
    sequence: (jobId) => eventsOf(jobId).map((body) => `${String(body['event']).slice(11)} ${String(body['status'])}`),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

function submit(
  clowder: ClowderOnBroker,
  plan: Plan,
  more: { readonly fileId?: string; readonly queue?: string } = {},
): string {
  return clowder.submit({ queue: 'ncsa.wordcount', plan, fileId: objectId(), datasetId: objectId(), ...more });
}

const DONE = ['queued submitted', 'working start', 'done done'];

describe('clowder-otel monitor beside Clowder', () => {
  it("reports jobs, extractors and their downloads without access to Clowder's queues, and reveals no secret", async () => {
    const canaries = createCanaries();
    const [secretKey, key, other, password] = ['job key', 'extractor key', 'key in a URL', 'password of a host'].map(
      (what) => canaries.token(what),
    );
    const owner = canaries.alias('owner', `owner-${canaries.token('address of the owner')}@example.org`);
    const vhost = await addVhost('secrets');
    await using site = await startSite(vhost);
    await using standIn = await startStandIn('v2');
    await using proxy = await startProxyProcess({ target: standIn.url, otlpUrl: site.collector.url });
    await using clowder = await clowderOnBroker(vhost.url, 'v1');
    await using _extractor = await startExtractor(vhost.url, { name: 'ncsa.wordcount', version: '2.1', owner });
    await using _own = await startExtractor(vhost.url, { name: 'ncsa.tiles', key: key ?? '', owner });
    const privateQueue = `private.${key ?? ''}.ncsa.tiles`;
    const component = 'private.REDACTED.ncsa.tiles';
    const pings = (of: string): readonly Record<string, unknown>[] =>
      site.sink.received
        .map(({ body }) => body)
        .filter((body) => body['event'] === 'health.ping' && body['component'] === of);
    await waitFor(() => [component, 'ncsa.wordcount'].every((of) => pings(of).some((one) => one['consumers'] === 1)), {
      what: 'pings of both extractors, with their queues',
    });
    expect(pings('ncsa.wordcount')[0]).toMatchObject({
      healthy: true,
      changed: true,
      version: '2.1',
      service_name: 'ncsa.wordcount',
    });
    expect(
      pings(component).some((one) => one['target'] === `queue error.${component}` && one['queue_length'] === 0),
    ).toBe(true);

    const file = seedId('file', 42);
    const host = `http://ada:${password ?? ''}@clowder.example.org/?key=${other ?? ''}`;
    const message = `GET ${host} with secretKey=${other ?? ''} gave 500 for ${privateQueue}`;
    const secrets = { fileId: file, datasetId: objectId(), secretKey: secretKey ?? '', host };
    const downloads = clowder.submit({
      queue: 'ncsa.wordcount',
      plan: { steps: [`download: ${proxy.url}/api/v2/files/${file}`] },
      ...secrets,
    });
    const fails = clowder.submit({
      queue: privateQueue,
      plan: { end: 'error', message },
      ...secrets,
      fileId: objectId(),
    });
    await waitFor(() => site.sequence(downloads).length === 3 && site.sequence(fails).length === 3, {
      what: 'both jobs to be over',
    });
    expect(site.sequence(downloads)).toEqual(DONE);
    expect(site.sequence(fails)).toEqual(['queued submitted', 'working start', 'failed error']);
    const [, , done] = site.eventsOf(downloads);
    expect(done).toMatchObject({
      source: 'rabbitmq',
      category: 'extraction_done',
      type: 'file',
      resource_id: file,
      resource_name: 'a.txt',
      extractor_name: 'ncsa.wordcount',
      bytes_downloaded: 1042,
    });
    expect(done).not.toHaveProperty('duration_ms');
    for (const body of site.eventsOf(fails)) expect(body['extractor_name']).toBe(component);
    expect(clowder.replies).toHaveLength(4);

    // Each of these queues has one consumer, its own: the monitor consumes none of them.
    const consumers = await node.rabbitmqctl(
      '-q',
      'list_queues',
      '-p',
      vhost.name,
      'name',
      'consumers',
      '--no-table-headers',
    );
    const counts = new Map(
      consumers
        .trim()
        .split('\n')
        .map((line) => line.split('\t') as [string, string]),
    );
    for (const queue of [clowder.replyQueue, 'ncsa.wordcount', privateQueue])
      expect([queue, counts.get(queue)]).toEqual([queue, '1']);

    await site.monitor.kill();
    expect(
      canaries.leaksIn({
        events: JSON.stringify(site.sink.received),
        log: site.monitor.output(),
        spool: await contentOfFiles(site.spoolDir),
        'collector log': site.collector.output(),
        'collector data': await contentOfFiles(site.collector.dataDir),
      }),
    ).toEqual([]);
    // The search does find the canaries where they are.
    expect(canaries.leaksIn({ probe: JSON.stringify(secrets) })).toHaveLength(3);

    const left = await node.rabbitmqctl(
      '-q',
      'list_queues',
      '-p',
      vhost.name,
      'name',
      'arguments',
      '--no-table-headers',
    );
    const ours = left.split('\n').filter((line) => /clowder-otel|amq\.gen/.test(line));
    expect(ours).toHaveLength(1);
    expect(ours[0]).toMatch(/^clowder-otel\.firehose\t.*x-expires/);
    expect(ours[0]).toMatch(/x-max-length-bytes.*drop-head|drop-head.*x-max-length-bytes/);
  });

  it('goes on where it was after a kill: each event once, with the duration of a job that spans it', async () => {
    const vhost = await addVhost('killed');
    await using site = await startSite(vhost);
    await using clowder = await clowderOnBroker(vhost.url, 'v2');
    await using _extractor = await startExtractor(vhost.url, { name: 'ncsa.wordcount' });
    await using gate = await openGate();
    const before = submit(clowder, {
      took: 60,
      steps: ['processing: one', `download: ${gate.url}`, 'processing: two'],
    });
    await waitFor(() => site.sequence(before).length === 3, { what: 'the job to be at work' });
    await site.monitor.kill('SIGKILL');
    gate.open();
    const meanwhile = submit(clowder, { end: 'retry' });
    await waitFor(() => clowder.replies.filter((one) => one['job_id'] === meanwhile).length === 4, {
      what: 'a job to be done meanwhile',
    });
    await site.monitor.start();
    const after = submit(clowder, {});
    await waitFor(() => site.sequence(after).length === 3 && site.sequence(before).length === 5, {
      what: 'the events of all',
    });
    expect(site.sequence(before)).toEqual([
      'queued submitted',
      'working start',
      'working processing',
      'working processing',
      'done done',
    ]);
    expect(site.sequence(meanwhile)).toEqual([
      'queued submitted',
      'working start',
      'working retry',
      'working start',
      'done done',
    ]);
    expect(site.sequence(after)).toEqual(DONE);
    expect(site.eventsOf(before).at(-1)?.['duration_ms']).toBeGreaterThanOrEqual(60_000);
    expect(clowder.replies).toHaveLength(4 + 4 + 2);
    expect(new Set(site.sink.received.map(({ messageId }) => messageId)).size).toBe(site.sink.received.length);
  });
});

interface Gate extends AsyncDisposable {
  readonly url: string;
  open(): void;
}

/** A download that continues when the test says so. */
async function openGate(): Promise<Gate> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const server = createServer((_request, response) => void promise.then(() => response.end('x')));
  await new Promise<void>((listening) => {
    server.listen(0, '127.0.0.1', listening);
  });
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}/`,
    open: resolve,
    [Symbol.asyncDispose]: async () => {
      resolve();
      server.closeAllConnections();
      await new Promise((closed) => {
        server.close(closed);
      });
    },
  };
}

describe('a broker that goes away', () => {
  it('is found again, and jobs are too once its firehose is on again', async () => {
    const vhost = await addVhost('restarted');
    await using site = await startSite(vhost);
    const { url } = vhost;
    let first = '';
    {
      await using clowder = await clowderOnBroker(url, 'v1');
      await using _extractor = await startExtractor(url, { name: 'ncsa.wordcount' });
      first = submit(clowder, {});
      await waitFor(() => site.sequence(first).length === 3, { what: 'a job before' });
    }
    await node.kill();
    await node.start();
    await waitFor(() => site.monitor.output().includes('the firehose is off'), {
      what: 'the firehose to be seen off',
      timeoutMs: 90_000,
    });
    await traceOn(vhost);
    await using sink = await consumeEventSink(url);
    await using clowder = await clowderOnBroker(url, 'v1');
    await using _extractor = await startExtractor(url, { name: 'ncsa.wordcount' });
    await waitFor(() => site.monitor.output().split('the firehose is on').length > 2, {
      what: 'the firehose to be seen on again',
      timeoutMs: 90_000,
    });
    const second = submit(clowder, {});
    const events = (): readonly string[] =>
      sink.received.filter(({ body }) => body['job_id'] === second).map(({ routingKey }) => routingKey);
    await waitFor(() => events().length === 3, { what: 'a job after' });
    expect(events()).toEqual(['extraction.queued', 'extraction.working', 'extraction.done']);
    expect(site.sequence(first)).toEqual(DONE);
  });
});

describe("Clowder's exchanges", () => {
  it('are never declared by the monitor: it waits for a missing one, with whatever arguments it is declared', async () => {
    const vhost = await addVhost('empty');
    const events = await addVhost('events');
    await using collector = await startCollector({ amqpUrl: events.url });
    await using sink = await consumeEventSink(events.url);
    await using webhook = await startHookReceiver();
    await using monitor = await startMonitorProcess({
      telemetry: { endpoint: collector.url },
      extractors: { url: vhost.monitorUrl, heartbeats: { ping: '1s', interval: '1s' } },
      notify: [{ type: 'webhook', url: webhook.url, probes: ['extractors'] }],
    });
    await waitFor(() => /cannot consume.*heartbeats|heartbeats.*cannot consume/.test(monitor.output()), {
      what: 'the report of the missing exchange',
    });
    const exchanges = await node.rabbitmqctl('-q', 'list_exchanges', '-p', 'empty', 'name', '--no-table-headers');
    expect(exchanges.split('\n').filter((name) => name !== '' && !name.startsWith('amq.'))).toEqual([]);
    const connection = await amqp.connect(vhost.url);
    const channel = await connection.createChannel();
    await channel.assertExchange('extractors', 'fanout', { durable: true, alternateExchange: 'amq.fanout' });
    const heartbeat = { id: 'i', queue: 'ncsa.x', owner: '', extractor_info: { name: 'ncsa.x', version: '1.0' } };
    const beat = setInterval(() => channel.publish('extractors', '', Buffer.from(JSON.stringify(heartbeat))), 200);
    const ofX = (): readonly Record<string, unknown>[] =>
      sink.received.map(({ body }) => body).filter((body) => body['component'] === 'ncsa.x');
    await waitFor(() => ofX().length > 0, { what: 'a heartbeat to be heard' });
    clearInterval(beat);
    await waitFor(() => ofX().some((body) => body['healthy'] === false), {
      what: 'the report of the silence',
    });
    expect(
      ofX()
        .filter((body) => body['changed'] === true)
        .map((body) => body['healthy']),
    ).toEqual([true, false]);
    await waitFor(() => webhook.calls.length > 0, { what: 'the first notification' });
    const about = { probe: 'extractors', component: 'ncsa.x' };
    expect(webhook.calls.map(({ body }) => body)).toMatchObject([{ kind: 'down', ...about }]);
    channel.publish('extractors', '', Buffer.from(JSON.stringify(heartbeat)));
    await waitFor(() => webhook.calls.length > 1, { what: 'the notification of the return' });
    expect(webhook.calls[1]?.body).toMatchObject({ kind: 'up', ...about });
    await monitor.kill('SIGKILL');
    await monitor.start();
    // The monitor may repeat an earlier notification, as it was killed before it noted the delivery.
    const news = (): unknown => webhook.calls.slice(2).find(({ body }) => (body as { kind: string }).kind !== 'up');
    const ended = await waitFor(news, { what: 'a notification of one that ended while the monitor was away' });
    expect(ended).toMatchObject({ body: { kind: 'down', ...about } });
    await connection.close();
  });
});
