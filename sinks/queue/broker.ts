import type { ChannelModel } from 'amqplib';
import { redactAmqpUrl } from '../../exporter/amqp-url.ts';
import { explainBrokerError } from '../../exporter/broker-error.ts';
import { connectBroker, endConnection, type BrokerTls } from '../../exporter/connection.ts';

export interface BrokerAccess {
  /** Of one broker each, tried in turn. */
  readonly urls: readonly string[];
  readonly tls: BrokerTls | undefined;
}

/**
 * Does something on a connection of its own and ends it: what is asked for once, from the command line.
 *
 * @throws BrokerError where no broker can be reached; whatever `use` throws
 */
export async function withBroker<T>(
  { urls, tls }: BrokerAccess,
  use: (model: ChannelModel, broker: string) => Promise<T>,
): Promise<T> {
  const sockets = new AbortController();
  let refusal: unknown;
  for (const url of urls) {
    const broker = redactAmqpUrl(url);
    let model: ChannelModel;
    try {
      model = await connectBroker(url, { connectionName: 'clowder-otel sink command', tls, signal: sockets.signal });
    } catch (error) {
      refusal = explainBrokerError(error, broker);
      continue;
    }
    // What is under way on it fails by itself.
    model.on('error', () => undefined);
    try {
      return await use(model, broker);
    } finally {
      await endConnection(model);
      sockets.abort();
    }
  }
  throw refusal;
}
