import type { Channel } from 'amqplib';

export const EVENTS_EXCHANGE = 'clowder.events';
export const METRICS_EXCHANGE = 'clowder.metrics';

/**
 * Declares the two exchanges and the binding between them. Consumers declare their queues.
 *
 * @throws Error of RabbitMQ if an exchange exists with another type (406 PRECONDITION_FAILED)
 */
export async function declareTopology(channel: Channel): Promise<void> {
  await channel.assertExchange(EVENTS_EXCHANGE, 'topic', { durable: true });
  await channel.assertExchange(METRICS_EXCHANGE, 'fanout', { durable: true });
  await channel.bindExchange(METRICS_EXCHANGE, EVENTS_EXCHANGE, '#');
}
