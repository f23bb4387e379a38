import { connect, type Channel, type ChannelModel } from 'amqplib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openJobStore } from '../../monitor/extractors/jobs/job-store.ts';
import { observeExtractors, type ObservedExtractors } from '../support/observed-extractors.ts';
import { tempDir } from '../support/processes.ts';
import { startRabbitNode, type RabbitNode } from '../support/rabbitmq-node.ts';
import { waitFor } from '../support/wait-for.ts';

const EXTRACTOR = 'ncsa.wordcount';
const MINUTE_MS = 60_000;
/** Time for RabbitMQ's management plugin, which gets figures once a second. */
const FIGURES_MS = 30_000;

let node: RabbitNode;
let dir: Awaited<ReturnType<typeof tempDir>>;
let extractors: ObservedExtractors;
let connection: ChannelModel;
let channel: Channel;
/** Delivery tags of the jobs that the extractor has taken. */
const taken: number[] = [];
/** How far the monitor's clock is ahead of the machine's. */
let aheadMs = 0;

/** Jobs of the last hour, each of one second: the usual duration is known. */
function pastJobs(): void {
  const store = openJobStore(dir.path);
  const jobs = Array.from({ length: 25 }, (_, index) => {
    const startedMs = Date.now() - (60 - index) * MINUTE_MS;
    const endedMs = startedMs + 1000;
    return { job: { key: `job-${index}`, extractor: EXTRACTOR, startedMs, endedMs, had: [], touchedMs: endedMs } };
  });
  store.save(jobs, []);
  store.close();
}

beforeAll(async () => {
  [node, dir] = await Promise.all([startRabbitNode({ management: true }), tempDir('stuck')]);
  pastJobs();
  connection = await connect(node.url);
  channel = await connection.createChannel();
  await channel.assertExchange('extractors', 'fanout', { durable: true });
  await channel.assertQueue(EXTRACTOR, { durable: true });
  extractors = await observeExtractors(node.url, {
    dataDir: dir.path,
    nowMs: () => Date.now() + aheadMs,
    settings: {
      jobs: 'off',
      heartbeats: { ping: '1s' },
      management: { url: node.managementUrl, user: 'guest', password: 'guest' },
    },
  });
});
afterAll(async () => {
  await extractors[Symbol.asyncDispose]();
  await connection.close().catch(() => undefined);
  await node.stop();
  await dir.remove();
});

const beat = (): boolean => {
  const heartbeat = { id: 'one', queue: EXTRACTOR, extractor_info: { name: EXTRACTOR, version: '2.0' } };
  return channel.publish('extractors', '', Buffer.from(JSON.stringify(heartbeat)));
};
const consume = (): Promise<unknown> =>
  channel.consume(EXTRACTOR, (message) => {
    if (message !== null) taken.push(message.fields.deliveryTag);
  });

/** Waits until the monitor has read this figure from the management API. */
const unacknowledged = (count: number): Promise<boolean> =>
  waitFor(
    async () => {
      beat();
      const values = Object.values(await extractors.metric('clowder.extractor.queue.unacknowledged'));
      return values.length === 1 && values[0] === count;
    },
    { timeoutMs: FIGURES_MS, everyMs: 250, what: `${count} jobs that are not acknowledged` },
  );

/** What the monitor last reported about the extractor's jobs, once it is this. Each poll moves its clock on by 30 s. */
const told = (healthy: boolean): Promise<string> =>
  waitFor(
    () => {
      beat();
      aheadMs += MINUTE_MS / 2;
      const last = extractors.events.findLast(({ fields }) => fields.target === `jobs of ${EXTRACTOR}`);
      return last?.fields.healthy === healthy ? String(last.fields.error ?? '-') : undefined;
    },
    { timeoutMs: FIGURES_MS, everyMs: 1500, what: `jobs that ${healthy ? 'go on' : 'are stuck'}` },
  );

describe('jobs that an extractor has taken, seen through the real management API', () => {
  test('are reported as stuck when none is acknowledged for long, and as well again when one is', async () => {
    for (let job = 0; job < 3; job += 1) channel.sendToQueue(EXTRACTOR, Buffer.from('{}'), { persistent: true });
    await channel.prefetch(2);
    await consume();
    await waitFor(() => taken.length === 2, { what: 'jobs at the extractor' });
    await unacknowledged(2);
    expect(await told(false)).toMatch(
      /^2 jobs were taken, and none acknowledged for .*; 99 of 100 jobs take 1 s at most$/,
    );

    channel.ack({ fields: { deliveryTag: taken[0] } } as Parameters<Channel['ack']>[0]);
    await waitFor(() => taken.length === 3, { what: 'the last job at the extractor' });
    expect(await told(true)).toBe('-');
    // They are stuck again, with the two that are left.
    expect(await told(false)).toMatch(/^2 jobs were taken/);
  });

  test('are well when the extractor dies and another takes them, and when no job is left', async () => {
    await channel.close();
    channel = await connection.createChannel();
    taken.length = 0;
    await consume();
    await waitFor(() => taken.length === 2, { what: 'jobs at the next extractor' });
    expect(await told(true)).toBe('-');
    expect(await told(false)).toMatch(/^2 jobs were taken/);
    channel.ackAll();
    await unacknowledged(0);
    expect(await told(true)).toBe('-');
  });
});
