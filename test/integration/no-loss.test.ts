import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { setTimeout as delay } from 'node:timers/promises';
import { startCollector, type CollectorProcess } from '../support/collector-process.ts';
import { bindEventSink, consumeEventSink } from '../support/consumer.ts';
import { form } from '../support/form.ts';
import { startRabbitNode, type RabbitNode } from '../support/rabbitmq-node.ts';
import { waitFor } from '../support/wait-for.ts';

const EVENTS = form({ short: 20_000, long: 100_000 });
const BATCH = 100;
const PRODUCERS = 4;

let broker: RabbitNode;
let collector: CollectorProcess;

beforeAll(async () => {
  broker = await startRabbitNode();
  await bindEventSink(broker.url);
  collector = await startCollector({ amqpUrl: broker.url });
});

afterAll(async () => {
  await collector.stop();
  await broker.stop();
});

const batchOf = (first: number): object[] =>
  Array.from({ length: BATCH }, (_, index) => ({
    event: 'file.uploaded',
    event_id: `no-loss-${first + index}`,
    file_id: `f${first + index}`,
    file_name: 'a.txt',
    bytes: index,
  }));

/** Posts a batch until it is acknowledged, as a producer does. */
async function postUntilAccepted(first: number): Promise<void> {
  const body = JSON.stringify(batchOf(first));
  for (;;) {
    try {
      const response = await fetch(`${collector.url}/api/v1/events`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body,
        signal: AbortSignal.timeout(20_000),
      });
      const answer = await response.text();
      if (response.status === 202) return;
      if (response.status !== 503) throw new TypeError(`unexpected ${response.status}: ${answer}`);
    } catch (error) {
      if (error instanceof TypeError && error.message.startsWith('unexpected')) throw error;
    }
    // The pause of a producer between two attempts, not of the test.
    await delay(50);
  }
}

describe('an acknowledged event', () => {
  test(
    'reaches RabbitMQ although broker and collector are killed while 100,000 are posted',
    { timeout: 900_000 },
    async () => {
      let next = 0;
      let acknowledged = 0;
      const produce = async (): Promise<void> => {
        while (next < EVENTS) {
          const first = next;
          next += BATCH;
          await postUntilAccepted(first);
          acknowledged += BATCH;
        }
      };
      const producers = Promise.all(Array.from({ length: PRODUCERS }, produce));
      const past = (share: number): Promise<boolean> =>
        waitFor(() => acknowledged >= EVENTS * share, { timeoutMs: 300_000, what: `${share} of the events` });

      await past(0.1);
      await collector.kill('SIGKILL');
      await collector.start();
      await past(0.25);
      await broker.stopApp();
      await past(0.4);
      await collector.kill('SIGKILL');
      await collector.start();
      await past(0.5);
      await broker.startApp();
      await past(0.65);
      await collector.kill('SIGKILL');
      await collector.start();
      await past(0.8);
      await broker.kill();
      await broker.start();
      await producers;
      expect(acknowledged).toBe(EVENTS);

      await using sink = await consumeEventSink(broker.url);
      const ids = new Set<string>();
      await waitFor(
        () => {
          for (const { messageId } of sink.received.splice(0)) ids.add(messageId);
          return ids.size >= EVENTS;
        },
        { timeoutMs: 300_000, what: 'every acknowledged event' },
      );
      for (let index = 0; index < EVENTS; index += 1)
        if (!ids.has(`no-loss-${index}`)) expect.fail(`no-loss-${index} is missing`);
      expect(ids.size).toBe(EVENTS);
    },
  );
});
