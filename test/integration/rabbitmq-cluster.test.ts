import { setInterval } from 'node:timers/promises';
import { connect } from 'amqplib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runCliToEnd, startCollector, type CollectorProcess } from '../support/collector-process.ts';
import { form } from '../support/form.ts';
import { startRabbitCluster, type RabbitNode } from '../support/rabbitmq-node.ts';
import { waitFor } from '../support/wait-for.ts';

const QUEUE = 'event.sink';
const FILE = '5f1e00000000000000000001';
const BATCH = 50;

let cluster: Awaited<ReturnType<typeof startRabbitCluster>>;
let collector: CollectorProcess;

beforeAll(async () => {
  cluster = await startRabbitCluster();
  const connection = await connect(cluster.nodes[0]?.url ?? '');
  const channel = await connection.createChannel();
  await channel.assertExchange('clowder.metrics', 'fanout', { durable: true });
  await channel.assertQueue(QUEUE, { durable: true, arguments: { 'x-queue-type': 'quorum' } });
  await channel.bindQueue(QUEUE, 'clowder.metrics', '');
  await connection.close();
  collector = await startCollector({ amqpUrl: cluster.nodes.map(({ url }) => url).join(',') });
});

afterAll(async () => {
  await collector.stop();
  await cluster[Symbol.asyncDispose]();
});

/** A pace at which a node that comes back can catch up. */
const PACE_MS = 25;

/** Posts events in batches until it is stopped. */
function load() {
  const ids: string[] = [];
  const stopping = new AbortController();
  const running = (async () => {
    for await (const _ of setInterval(PACE_MS)) {
      if (stopping.signal.aborted) return;
      const batch = Array.from({ length: BATCH }, (_one, index) => `e${ids.length + index}`);
      const body = JSON.stringify(batch.map((event_id) => ({ event: 'file.uploaded', event_id, file_id: FILE })));
      const headers = { 'content-type': 'application/json' };
      const response = await fetch(`${collector.url}/api/v1/events`, { method: 'POST', headers, body });
      expect(response.status).toBe(202);
      ids.push(...batch);
    }
  })();
  return async (): Promise<readonly string[]> => {
    stopping.abort();
    await running;
    return ids;
  };
}

/** Events with this outcome so far. */
async function published(outcome: 'confirmed' | 'nacked'): Promise<number> {
  const text = await (await fetch(`${collector.url}/metrics`)).text();
  const sample = new RegExp(`^clowder_otel_published_events_total\\{outcome="${outcome}"\\} (\\d+)$`, 'm');
  return Number(sample.exec(text)?.[1] ?? 0);
}
const confirmed = (): Promise<number> => published('confirmed');
/** The pauses of events refused by a queue without a leader grow to a minute each; a busy machine may need several. */
const GOES_ON_MS = 240_000;
/** Waits until this many more are confirmed. */
async function goesOn(more = 4 * BATCH): Promise<void> {
  const before = await confirmed();
  await waitFor(async () => (await confirmed()) >= before + more, { timeoutMs: GOES_ON_MS, what: 'further confirms' });
}

async function leader(): Promise<RabbitNode> {
  for (const node of cluster.nodes) {
    const listed = await node.rabbitmqctl('list_queues', '--silent', 'name', 'leader').catch(() => '');
    const name = listed
      .split('\n')
      .find((line) => line.startsWith(`${QUEUE}\t`))
      ?.split('\t')[1];
    const found = cluster.nodes.find((one) => one.name === name);
    if (found !== undefined) return found;
  }
  throw new Error('the queue has no leader');
}
/** All three nodes run, and the queue has all its members. */
const isWhole = (): Promise<boolean> =>
  waitFor(
    async () => {
      const listed = await cluster.nodes[0]?.rabbitmqctl('list_queues', '--silent', 'name', 'online').catch(() => '');
      const online = listed?.split('\n').find((line) => line.startsWith(`${QUEUE}\t`)) ?? '';
      return cluster.nodes.every(({ name }) => online.includes(name));
    },
    { timeoutMs: 120_000, everyMs: 500, what: 'a whole cluster' },
  );

const kill = async (node: RabbitNode): Promise<void> => {
  await node.kill();
  await goesOn();
  await node.start();
  await isWhole();
};
const stop = async (node: RabbitNode): Promise<void> => {
  await node.stopApp();
  await goesOn();
  await node.startApp();
  await isWhole();
};

type Fault = () => Promise<void>;
const LEADER: Fault = async () => kill(await leader());
const EACH: readonly Fault[] = [0, 1, 2].map((index) => async () => kill(nodeAt(index)));
const ROLLING: readonly Fault[] = [0, 1, 2].map((index) => async () => stop(nodeAt(index)));
/** Two of three are gone: the third pauses, and nothing is confirmed until one is back. */
const MINORITY: Fault = async () => {
  await nodeAt(1).kill();
  await nodeAt(2).kill();
  await waitFor(async () => (await readiness()) === 'degraded', { timeoutMs: 90_000, what: 'a broker that is away' });
  await Promise.all([nodeAt(1).start(), nodeAt(2).start()]);
  await isWhole();
  await goesOn();
};

function nodeAt(index: number): RabbitNode {
  const node = cluster.nodes[index];
  if (node === undefined) throw new Error(`there is no node ${index}`);
  return node;
}
async function readiness(): Promise<string> {
  return ((await (await fetch(`${collector.url}/readyz`)).json()) as { status: string }).status;
}

/** Everything in the queue, in order, once it has the wanted ids. */
async function taken(wanted: readonly string[]): Promise<readonly string[]> {
  const connection = await connect(nodeAt(0).url);
  const channel = await connection.createChannel();
  const ids: string[] = [];
  const missing = new Set(wanted);
  await channel.prefetch(1000);
  await channel.consume(QUEUE, (message) => {
    if (message === null) return;
    const id = String(message.properties.messageId);
    ids.push(id);
    missing.delete(id);
    channel.ack(message);
  });
  const isEmpty = async (): Promise<boolean> => (await channel.checkQueue(QUEUE)).messageCount === 0;
  await waitFor(async () => missing.size === 0 && (await isEmpty()), {
    timeoutMs: 60_000,
    what: 'all that was posted',
  });
  await connection.close();
  return ids;
}

/** The smallest number of items whose removal leaves the rest in order: all but the longest rising run (patience sorting). */
function outOfPlace(places: readonly number[]): number {
  /** The lowest place at which a rising run of each length can end. */
  const ends: number[] = [];
  for (const place of places) {
    let [low, high] = [0, ends.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((ends[middle] ?? 0) < place) low = middle + 1;
      else high = middle;
    }
    ends[low] = place;
  }
  return places.length - ends.length;
}

describe('a cluster of three, with a quorum queue', () => {
  test('makes doctor warn of a classic queue that is bound too, and name its node', async () => {
    const [, second] = cluster.nodes;
    const connection = await connect(second?.url ?? '');
    const channel = await connection.createChannel();
    await channel.assertQueue('old', { durable: true });
    await channel.bindQueue('old', 'clowder.metrics', '');
    const env = { AMQP_URL: nodeAt(0).url, PORT: new URL(collector.url).port };
    const { stdout } = await runCliToEnd(['doctor', '--json', '--management', nodeAt(0).managementUrl], env);
    await channel.deleteQueue('old');
    await connection.close();
    const { checks } = JSON.parse(stdout) as { readonly checks: readonly { readonly check: string }[] };
    const classic = `Queue old is a classic queue, on only the node ${second?.name} of a cluster of 3`;
    expect(checks.filter(({ check }) => check === 'bindings')).toMatchObject([
      { state: 'ok', found: expect.stringMatching(/event\.sink, old|old, event\.sink/) },
      { state: 'warning', found: expect.stringContaining(classic) },
    ]);
  });

  const faults = form<readonly Fault[]>({
    short: [LEADER, MINORITY],
    long: [...EACH, LEADER, ...ROLLING, MINORITY],
  });

  test('loses no event and reorders only refused ones over kills of each node, the leader, a minority, and restarts', async () => {
    const stopLoad = load();
    await goesOn();
    for (const fault of faults) await fault();
    const posted = await stopLoad();
    await waitFor(async () => (await confirmed()) >= posted.length, {
      timeoutMs: GOES_ON_MS,
      what: 'the last confirm',
    });
    const ids = await taken(posted);
    const first = [...new Set(ids)];
    const placeOf = new Map(posted.map((id, place) => [id, place]));
    const displaced = outOfPlace(first.map((id) => placeOf.get(id) ?? NaN));
    // A queue without a leader refuses messages: the collector holds these and goes on with later ones.
    const refused = await published('nacked');
    console.info(
      `${posted.length} acknowledged over ${faults.length} faults: ${ids.length - first.length} came twice, 0 lost, ` +
        `${refused} refused, ${displaced} out of their place`,
    );
    expect(first.toSorted((a, b) => (placeOf.get(a) ?? NaN) - (placeOf.get(b) ?? NaN))).toEqual(posted);
    expect(displaced).toBeLessThanOrEqual(refused);
  });
});
