import { readFileSync } from 'node:fs';
import { parseAmqpUrls } from '../../runtime/amqp/amqp-url.ts';
import { BrokerError, explainBrokerError } from '../../runtime/amqp/broker-error.ts';
import { amqpTls } from '../../runtime/amqp/broker-settings.ts';
import { onChannel } from '../../runtime/amqp/on-channel.ts';
import { EVENTS_EXCHANGE, METRICS_EXCHANGE } from '../../runtime/amqp/topology.ts';
import { errorText } from '../../runtime/error-text.ts';
import { withBroker } from '../../sinks/queue/broker.ts';
import { failed, ok, skipped, type Finding } from './finding.ts';
import type { Site } from './site.ts';

export async function checkBroker({ settings }: Site): Promise<readonly Finding[]> {
  const urls = urlsOf(settings.AMQP_URL);
  if (urls.length === 0) return [skipped('AMQP_URL is wrong')];
  try {
    const { tls } = amqpTls(settings, (path) => readFileSync(path));
    const found = await withBroker({ urls, tls }, ({ model, broker }) =>
      onChannel(model, async (channel) => {
        for (const exchange of [EVENTS_EXCHANGE, METRICS_EXCHANGE]) await channel.checkExchange(exchange);
        return `Connected to ${broker}; its exchanges are there`;
      }).catch((error: unknown) => {
        if (error instanceof Error && 'code' in error && error.code === 404)
          return `Connected to ${broker}; the collector makes its exchanges when it first connects`;
        throw explainBrokerError(error, broker);
      }),
    );
    return [ok(found)];
  } catch (error) {
    // Its text is written for people and holds no secret: redacting it would only blank words.
    const reason = error instanceof BrokerError ? error.message : errorText(error);
    return [
      failed(
        reason,
        'Start or repair RabbitMQ, or correct AMQP_URL. Events wait in the journal meanwhile, and are published once the broker is back',
      ),
    ];
  }
}

/** @returns none if the setting is invalid */
export function urlsOf(text: string | undefined): readonly string[] {
  try {
    return parseAmqpUrls(text);
  } catch {
    return [];
  }
}
