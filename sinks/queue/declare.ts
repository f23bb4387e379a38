import type { ChannelModel, Options } from 'amqplib';
import { onChannel } from '../../runtime/amqp/on-channel.ts';
import { declareTopology, EVENTS_EXCHANGE } from '../../runtime/amqp/topology.ts';
import { BINDING_KEYS } from '../event/filter.ts';
import { deadQueueName, queueName } from './names.ts';

/**
 * Quorum queues lose nothing with a node, if the broker has them (RabbitMQ 3.8). A message may come back as often as
 * it likes: from RabbitMQ 4 on the default limit of 20 would throw it away. One process consumes at a time, for the order;
 * others stand by.
 */
const QUORUM: Options.AssertQueue = {
  durable: true,
  arguments: { 'x-queue-type': 'quorum', 'x-delivery-limit': 2 ** 31 - 1, 'x-single-active-consumer': true },
};
const QUORUM_DEAD: Options.AssertQueue = {
  durable: true,
  arguments: { 'x-queue-type': 'quorum', 'x-delivery-limit': 2 ** 31 - 1 },
};
const CLASSIC: Options.AssertQueue = { durable: true, arguments: { 'x-single-active-consumer': true } };
const CLASSIC_DEAD: Options.AssertQueue = { durable: true };

/**
 * Declares the sink's queues, if they are not there yet, and binds what its filter wants.
 *
 * @throws Error of RabbitMQ
 */
export async function declareSinkQueues(model: ChannelModel, sink: string, keys: readonly string[]): Promise<void> {
  await declareDeadQueue(model, sink);
  await ensureQueue(model, queueName(sink), [QUORUM, CLASSIC]);
  await onChannel(model, async (channel) => {
    await declareTopology(channel);
    for (const key of keys) await channel.bindQueue(queueName(sink), EVENTS_EXCHANGE, key);
  });
}

/** @throws Error of RabbitMQ */
export async function declareDeadQueue(model: ChannelModel, sink: string): Promise<void> {
  await ensureQueue(model, deadQueueName(sink), [QUORUM_DEAD, CLASSIC_DEAD]);
}

/**
 * Takes bindings away that a former filter wanted. AMQP lists none, but taking one away that is not there is no error, and
 * there are only so many. Until it is done the sink filters by itself.
 *
 * @throws Error of RabbitMQ
 */
export async function removeOtherBindings(model: ChannelModel, sink: string, keys: readonly string[]): Promise<void> {
  await onChannel(model, async (channel) => {
    for (const key of BINDING_KEYS)
      if (!keys.includes(key)) await channel.unbindQueue(queueName(sink), EVENTS_EXCHANGE, key);
  });
}

/** A queue that is there stays what it is, also where an operator made it otherwise; else the first kind that the broker has. */
async function ensureQueue(model: ChannelModel, name: string, kinds: readonly Options.AssertQueue[]): Promise<void> {
  if (await queueExists(model, name)) return;
  let refusal: unknown;
  for (const kind of kinds) {
    try {
      await onChannel(model, (channel) => channel.assertQueue(name, kind));
      return;
    } catch (error) {
      refusal ??= error;
    }
  }
  throw refusal;
}

/** @throws Error of RabbitMQ, other than that there is none */
export async function queueExists(model: ChannelModel, name: string): Promise<boolean> {
  return (await messagesIn(model, name)) !== undefined;
}

/** @returns how many wait in a queue; undefined if there is none @throws Error of RabbitMQ, other than that */
export async function messagesIn(model: ChannelModel, name: string): Promise<number | undefined> {
  try {
    return (await onChannel(model, (channel) => channel.checkQueue(name))).messageCount;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 404) return undefined;
    throw error;
  }
}
