import type { Channel, ChannelModel } from 'amqplib';

/** Does something on its own channel, which the broker closes if it refuses. @throws Error of RabbitMQ */
export async function onChannel<T>(model: ChannelModel, use: (channel: Channel) => Promise<T>): Promise<T> {
  const channel = await model.createChannel();
  let refused = false;
  channel.on('error', () => {
    refused = true;
  });
  try {
    return await use(channel);
  } finally {
    if (!refused) await channel.close().catch(() => undefined);
  }
}
