import { readFileSync } from 'node:fs';
import type { ConfirmChannel } from 'amqplib';
import { parseAmqpUrls } from '../../runtime/amqp/amqp-url.ts';
import { connectToAny, endConnection, readTls } from '../../runtime/amqp/connection.ts';
import { METRICS_EXCHANGE } from '../../runtime/amqp/topology.ts';
import type { NotifierSettings } from '../config/schema.ts';
import { isUp, type Notification } from './notification.ts';
import { NotifyError, type Notifier } from './notifier.ts';

/** Time to connect, for all brokers together, in milliseconds. A whole attempt has 15 s by default. */
const CONNECT_MS = 10_000;

/**
 * Publishes a service's state directly to RabbitMQ, in the form that existing consumers know, even if no collector runs. A
 * consumer that also gets the collector's events counts it twice.
 */
export function rabbitmqNotifier(settings: NotifierSettings<'rabbitmq'>): Notifier {
  const { exchange = METRICS_EXCHANGE, ca_file: caFile } = settings;
  const urls = parseAmqpUrls(settings.url);
  return {
    async deliver(notification, signal) {
      const tls = readTls({ ca: caFile }, readFileSync);
      const { model } = await connectToAny(urls, {
        connectionName: 'clowder-otel-monitor',
        // A broker that does not answer leaves time for the others.
        connectTimeoutMs: CONNECT_MS / urls.length,
        tls,
        signal,
      });
      model.on('error', () => undefined);
      try {
        const channel = await model.createConfirmChannel();
        // If the broker closes the channel, whatever waits for a confirm fails.
        channel.on('error', () => undefined);
        if (exchange === METRICS_EXCHANGE) await channel.assertExchange(exchange, 'fanout', { durable: true });
        await publish(channel, exchange, notification);
      } finally {
        await endConnection(model);
      }
    },
  };
}

/** Resolves when the broker has confirmed it and has a queue for it. */
async function publish(channel: ConfirmChannel, exchange: string, notification: Notification): Promise<void> {
  let returned = false;
  channel.on('return', () => (returned = true));
  await new Promise<void>((resolve, reject) => {
    const properties = {
      messageId: notification.id,
      type: 'health.ping',
      appId: 'clowder-otel-monitor',
      contentType: 'application/json',
      timestamp: Math.floor(notification.atMs / 1000),
      deliveryMode: 2,
      mandatory: true,
    };
    channel.publish(exchange, 'health.ping', Buffer.from(JSON.stringify(statusOf(notification))), properties, (error) =>
      error === null || error === undefined ? resolve() : reject(error instanceof Error ? error : new Error('nacked')),
    );
  });
  if (returned) throw new NotifyError('not_now', `no queue takes what is published to ${exchange}`);
}

/** The status message that existing consumers expect. */
function statusOf(notification: Notification): object {
  const { component, target, atMs, downForS, error, instance, tags } = notification;
  const healthy = isUp(notification);
  return {
    created: atMs,
    category: 'service_status',
    type: healthy ? 'up' : 'down',
    service_name: component,
    healthy,
    target,
    down_for_s: downForS,
    error,
    clowder_instance: instance,
    tags,
  };
}
