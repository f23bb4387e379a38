import amqp from 'amqplib';
import { expect, it } from 'vitest';
import { BrokerConnection } from '../../monitor/extractors/broker/connection.ts';
import { clowderEvents, heartbeats } from '../../monitor/extractors/broker/queues.ts';
import { openVhost } from '../support/virtual-host.ts';
import { waitFor } from '../support/wait-for.ts';

it('the monitor has one queue for each thing that it waits for, however long the exchange is missing', async () => {
  await using vhost = await openVhost();
  const problems: string[] = [];
  const heard: string[] = [];
  const onMessage = ({ message }: { readonly message: amqp.ConsumeMessage }): void =>
    void heard.push(message.content.toString());
  const broker = new BrokerConnection({
    urls: [vhost.url],
    connectionName: 'empty virtual host',
    subscriptions: [
      heartbeats('extractors', { onMessage }),
      clowderEvents('clowder.events', ['view.download'], { onMessage }),
    ],
    runner: { retryMs: 5, onProblem: (subscription) => void problems.push(subscription) },
    onLost: () => undefined,
  });
  try {
    await waitFor(() => ['heartbeats', 'events'].every((name) => problems.filter((one) => one === name).length > 10), {
      what: 'eleven tries of each',
    });
    expect((await vhost.queues()).length).toBeLessThanOrEqual(2);
    // It listens once the exchange exists.
    const model = await amqp.connect(vhost.url);
    const channel = await model.createChannel();
    await channel.assertExchange('extractors', 'fanout', { durable: true });
    await waitFor(
      () => {
        channel.publish('extractors', '', Buffer.from('alive'));
        return heard.length > 0;
      },
      { what: 'a heartbeat', everyMs: 50 },
    );
    expect((await vhost.queues()).length).toBeLessThanOrEqual(2);
    await model.close();
  } finally {
    await broker.stop();
  }
});
