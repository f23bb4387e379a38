import type { ChannelModel, Options } from 'amqplib';
import { onChannel } from '../../runtime/amqp/on-channel.ts';
import { declareTopology, EVENTS_EXCHANGE } from '../../runtime/amqp/topology.ts';
import { BINDING_KEYS } from '../event/filter.ts';
import { deadQueueName, queueName } from './names.ts';

/**
 * Quorum queues lose nothing with a node, if the broker has them (RabbitMQ 3.8). Messages may be redelivered without limit;
 * from RabbitMQ 4 on, the default of 20 would discard them. Only one process consumes at a time, to keep the order; others
 * stand by.
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
 * Declares the sink's queues if they are missing, and adds the bindings that its filter needs.
 *
 * @throws RabbitMQ's error
 */
export async function declareSinkQueues(model: ChannelModel, sink: string, keys: readonly string[]): Promise<void> {
  await declareDeadQueue(model, sink);
  await ensureQueue(model, queueName(sink), [QUORUM, CLASSIC]);
  await onChannel(model, async (channel) => {
    await declareTopology(channel);
    for (const key of keys) await channel.bindQueue(queueName(sink), EVENTS_EXCHANGE, key);
  });
}

/** @throws RabbitMQ's error */
export async function declareDeadQueue(model: ChannelModel, sink: string): Promise<void> {
  await ensureQueue(model, deadQueueName(sink), [QUORUM_DEAD, CLASSIC_DEAD]);
}

/**
 * Removes the bindings of an earlier filter. AMQP cannot list bindings, but the possible keys are few, and removing a missing
 * one is no error. Until this is done, the sink's own filter applies.
 *
 * @throws RabbitMQ's error
 */
export async function removeOtherBindings(model: ChannelModel, sink: string, keys: readonly string[]): Promise<void> {
  await onChannel(model, async (channel) => {
    for (const key of BINDING_KEYS)
      if (!keys.includes(key)) await channel.unbindQueue(queueName(sink), EVENTS_EXCHANGE, key);
  });
}

/**
 * Leaves an existing queue as it is, even if an operator declared it differently. Otherwise declares the first kind that the
 * broker supports.
 */
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

/** @throws RabbitMQ's error, unless the queue does not exist */
export async function queueExists(model: ChannelModel, name: string): Promise<boolean> {
  return (await messagesIn(model, name)) !== undefined;
}

/** @returns the number of messages that wait in a queue; undefined if it does not exist @throws any other error of RabbitMQ */
export async function messagesIn(model: ChannelModel, name: string): Promise<number | undefined> {
  try {
    return (await onChannel(model, (channel) => channel.checkQueue(name))).messageCount;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 404) return undefined;
    throw error;
  }
}
