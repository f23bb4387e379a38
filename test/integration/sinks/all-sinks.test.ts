import { connect } from 'amqplib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { toMessage } from '../../../exporter/message.ts';
import { createPublisher } from '../../../exporter/publisher.ts';
import { deadQueueName, queueName } from '../../../sinks/queue/names.ts';
import type { FlatBody } from '../../../taxonomy/flat-body.ts';
import { form } from '../../support/form.ts';
import { startRabbitNode, type RabbitNode } from '../../support/rabbitmq-node.ts';
import { disorderIn, makeEvents } from '../../support/sinks/events.ts';
import type { SinkHarness, TestService } from '../../support/sinks/harness.ts';
import { HARNESSES } from '../../support/sinks/harnesses.ts';
import { startSinkProcess, type SinkProcess } from '../../support/sinks/sink-process.ts';
import { waitFor } from '../../support/wait-for.ts';

const EVENTS = form({ short: 10_000, long: 50_000 });
const RESOURCES = 500;
/** Published before the first kill: a broker that restarts reads again what is left in its queues. */
const FIRST = EVENTS / 5;
/** Its service starts only when all other sinks are done. */
const UNREACHABLE = 'webhook';
const DONE_MS = 400_000;
/** Common settings of all sinks, with a test's patience instead of an operator's. */
const IMPATIENT = { timeout_s: 30, retry_max_s: 1, linger_ms: 100 };

interface Part {
  readonly harness: SinkHarness;
  readonly name: string;
  readonly service: TestService;
}

let broker: RabbitNode;
let parts: readonly Part[];

beforeAll(async () => {
  broker = await startRabbitNode();
  parts = await Promise.all(
    HARNESSES.map(async (harness) => ({ harness, name: harness.definition.name, service: await harness.start() })),
  );
});

afterAll(async () => {
  for (const { service } of parts) await service[Symbol.asyncDispose]();
  await broker.stop();
});

/** Publishes with confirms. What a broker restart leaves unconfirmed is published again. */
async function publish(events: readonly FlatBody[]): Promise<void> {
  const publisher = createPublisher({ urls: broker.url, window: 5000 });
  let confirmed = 0;
  for (const event of events) {
    const message = toMessage(event);
    while (!publisher.publish(message, () => (confirmed += 1))) await publisher.ready();
  }
  await waitFor(() => confirmed === events.length, { timeoutMs: DONE_MS, what: 'every event to be confirmed' });
  await publisher.close();
}

/** Messages left in each queue. Asks the queue itself: figures of `list_queues` for a quorum queue are seconds old. */
async function leftIn(queues: readonly string[]): Promise<ReadonlyMap<string, number>> {
  const model = await connect(broker.url);
  const channel = await model.createChannel();
  const found = new Map<string, number>();
  for (const queue of queues) found.set(queue, (await channel.checkQueue(queue)).messageCount);
  await model.close();
  return found;
}

async function acceptedInAll(sinks: SinkProcess): Promise<number> {
  const each = await Promise.all(parts.map(({ name }) => sinks.figure(name)));
  return each.reduce((sum, one) => sum + one, 0);
}

/** Waits until all sinks of the current process together have had this many events accepted. */
const progressOf = (sinks: SinkProcess, events: number): Promise<boolean> =>
  waitFor(async () => (await acceptedInAll(sinks)) >= events, {
    timeoutMs: DONE_MS,
    everyMs: 50,
    what: `${events} events to be accepted`,
  });

async function allStored(some: readonly Part[], events: readonly FlatBody[]): Promise<void> {
  for (const { name, service } of some)
    await waitFor(async () => new Set(await service.storedIds()).size >= events.length, {
      timeoutMs: DONE_MS,
      everyMs: 500,
      what: `${name} to store ${events.length} events`,
    });
}

async function expectEachOnce({ harness, service, name }: Part, events: readonly FlatBody[]): Promise<void> {
  const stored = await service.storedIds();
  const distinct = new Set(stored);
  const missing = events.filter(({ event_id: id }) => !distinct.has(id)).map(({ event_id: id }) => id);
  // First, as it says why an event is missing.
  expect({ name, complaints: service.complaints?.().slice(0, 3) ?? [] }).toEqual({ name, complaints: [] });
  expect({ name, lost: missing.length, examples: missing.slice(0, 5) }).toEqual({ name, lost: 0, examples: [] });
  expect({ name, distinct: distinct.size }).toEqual({ name, distinct: events.length });
  if (harness.definition.dedupes) expect({ name, stored: stored.length }).toEqual({ name, stored: events.length });
  expect({ name, disorder: disorderIn(stored) }).toEqual({ name, disorder: undefined });
}

describe('all sinks in one process', () => {
  test(
    'bring every event to every service over two kills and a restart of the broker; one that is away slows no other',
    { timeout: 900_000 },
    async () => {
      const sections = parts.map(({ name, harness, service }) => [
        name,
        { ...IMPATIENT, ...service.settings, ...harness.patient },
      ]);
      await parts.find(({ name }) => name === UNREACHABLE)?.service.fault('away');
      await using sinks = await startSinkProcess({
        AMQP_URL: broker.url,
        sinks: Object.fromEntries(sections),
      });
      for (const { name } of parts)
        await waitFor(async () => (await sinks.figure(name, 'broker_connected{sink="SINK"}')) === 1, {
          what: `${name} to consume`,
        });

      const events = makeEvents(EVENTS, { resources: RESOURCES });
      const first = events.slice(0, FIRST);
      await publish(first);
      await progressOf(sinks, FIRST);
      await sinks.kill('SIGKILL');
      await sinks.start();
      const published = publish(events.slice(FIRST));
      await broker.stopApp();
      await broker.startApp();
      await progressOf(sinks, 4 * FIRST);
      await sinks.kill('SIGKILL');
      await sinks.start();
      await published;

      const late = parts.filter(({ name }) => name === UNREACHABLE);
      await allStored(
        parts.filter((part) => !late.includes(part)),
        events,
      );
      for (const { service } of late) {
        expect(await service.storedIds()).toEqual([]);
        await service.heal();
      }
      await allStored(late, events);

      expect(await sinks.kill('SIGTERM')).toEqual({ code: 0, signal: null });
      for (const part of parts) await expectEachOnce(part, events);
      const queues = parts.flatMap(({ name }) => [queueName(name), deadQueueName(name)]);
      expect(await leftIn(queues)).toEqual(new Map(queues.map((queue) => [queue, 0])));
    },
  );
});
