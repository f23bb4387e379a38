import type { ChannelModel } from 'amqplib';
import { redactAmqpUrl } from '../../runtime/amqp/amqp-url.ts';
import { explainBrokerError } from '../../runtime/amqp/broker-error.ts';
import { connectToAny, endConnection, type BrokerTls } from '../../runtime/amqp/connection.ts';

export interface BrokerAccess {
  /** URLs of one broker each, tried in turn. */
  readonly urls: readonly string[];
  readonly tls: BrokerTls | undefined;
  /** Name of the connection in RabbitMQ. @default clowder-otel sink command */
  readonly connectionName?: string;
}

/** An open connection, and how it was opened. */
export interface OpenBroker {
  readonly model: ChannelModel;
  readonly url: string;
  readonly tls: BrokerTls | undefined;
  /** The URL without its password. */
  readonly broker: string;
}

/**
 * Runs a function on its own connection, then closes that. For one-time commands.
 *
 * @throws BrokerError if no broker can be reached; whatever `use` throws
 */
export async function withBroker<T>(
  { urls, tls, connectionName = 'clowder-otel sink command' }: BrokerAccess,
  use: (opened: OpenBroker) => Promise<T>,
): Promise<T> {
  const sockets = new AbortController();
  const options = { connectionName, tls, signal: sockets.signal };
  const { model, url } = await connectToAny(urls, options).catch((error: unknown) => {
    throw explainBrokerError(error, redactAmqpUrl(urls.at(-1) ?? ''));
  });
  // Pending operations on the connection fail on their own.
  model.on('error', () => undefined);
  try {
    return await use({ model, url, tls, broker: redactAmqpUrl(url) });
  } finally {
    await endConnection(model);
    sockets.abort();
  }
}
