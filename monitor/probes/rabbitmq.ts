import { readFileSync } from 'node:fs';
import type { ChannelModel } from 'amqplib';
import { parseAmqpUrls, redactAmqpUrl, vhostOf } from '../../runtime/amqp/amqp-url.ts';
import { connectToAny, endConnection, readTls } from '../../runtime/amqp/connection.ts';
import type { Planned } from '../config/config.ts';
import type { Measures, Probe, Reading } from '../reading.ts';
import { errorText } from '../../runtime/error-text.ts';
import { round } from './milliseconds.ts';
import { managementClient } from './rabbitmq-management.ts';

type Queue = NonNullable<Planned<'rabbitmq'>['queues']>[number];

/**
 * Connects to a broker as any client does, and looks at queues by passive declaration, which creates, changes and takes
 * nothing. Rates, alarms and connections come from the management API, if configured.
 */
export function rabbitmqProbe(settings: Planned<'rabbitmq'>): Probe {
  const urls = parseAmqpUrls(settings.url);
  const brokers = urls.map((url) => redactAmqpUrl(url).replace(/\/\/[^@/]*@/, '//'));
  const target = brokers.join(',');
  const vhost = vhostOf(urls[0] ?? '');
  const management = settings.management && managementClient(settings.management, vhost);
  return {
    target,
    async run(signal) {
      const began = performance.now();
      const tls = readTls({ ca: settings.ca_file }, readFileSync);
      const { model } = await connectToAny(urls, { connectionName: 'clowder-otel-monitor', tls, signal });
      const responseMs = round(performance.now() - began);
      // The broker may disconnect during the probe; whatever waits for it then fails.
      model.on('error', () => undefined);
      try {
        const queues: Reading[] = [];
        for (const queue of settings.queues ?? [])
          queues.push(await lookAtQueue(model, queue, (await management?.queue(queue.name, signal))?.measures));
        const broker = await management?.broker(signal);
        return [
          {
            target,
            healthy: broker?.error === undefined,
            error: broker?.error,
            measures: { response_time_ms: responseMs, ...broker?.measures },
          },
          ...queues,
        ];
      } finally {
        await endConnection(model);
      }
    },
  };
}

/** A missing queue closes the channel, so each queue gets its own. */
async function lookAtQueue(model: ChannelModel, queue: Queue, figures: Measures | undefined): Promise<Reading> {
  const { name: target, max_messages: maxMessages, min_consumers: minConsumers } = queue;
  const channel = await model.createChannel();
  channel.on('error', () => undefined);
  try {
    const { messageCount, consumerCount } = await channel.checkQueue(target);
    await channel.close();
    const error =
      maxMessages !== undefined && messageCount > maxMessages
        ? `${messageCount} messages wait, more than ${maxMessages}`
        : minConsumers !== undefined && consumerCount < minConsumers
          ? `${consumerCount} consumers, fewer than ${minConsumers}`
          : undefined;
    const measures: Measures = { queue_length: messageCount, consumers: consumerCount, ...figures };
    return { target, healthy: error === undefined, error, measures };
  } catch (error) {
    const text = errorText(error);
    const missing = /404|NOT[-_]FOUND/.test(text);
    return { target, healthy: false, error: missing ? 'there is no such queue' : text, measures: {} };
  }
}
