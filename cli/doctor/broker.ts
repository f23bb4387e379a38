import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { parseAmqpUrls } from '../../runtime/amqp/amqp-url.ts';
import { BrokerError, explainBrokerError } from '../../runtime/amqp/broker-error.ts';
import { amqpTls } from '../../runtime/amqp/broker-settings.ts';
import { onChannel } from '../../runtime/amqp/on-channel.ts';
import { EVENTS_EXCHANGE, METRICS_EXCHANGE } from '../../runtime/amqp/topology.ts';
import { errorText } from '../../runtime/error-text.ts';
import { withBroker } from '../../sinks/queue/broker.ts';
import { failed, ok, skipped, type Finding } from './finding.ts';
import { heldOf } from './readiness.ts';
import { collectorUrl } from '../collector-url.ts';
import type { Answer, Site } from './site.ts';

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
    // It was written for people, and holds no secret: to look it through for some would blank words of it.
    const reason = error instanceof BrokerError ? error.message : errorText(error);
    return [
      failed(
        reason,
        'Start or repair RabbitMQ. Events wait in the journal meanwhile, and are published once the broker is back',
      ),
    ];
  }
}

const bindingsSchema = z.array(z.looseObject({ destination: z.string(), destination_type: z.string() }));

/** Whether a queue takes events, by RabbitMQ's management API; by the collector, where that does not answer. */
export async function checkBindings(site: Site): Promise<readonly Finding[]> {
  const { management, settings, ask } = site;
  const todo = `Bind a queue to ${EVENTS_EXCHANGE} (by event type) or to ${METRICS_EXCHANGE} (all), or start the consumer that does (docs/rabbitmq.md)`;
  const held = heldOf(await ask(collectorUrl(settings, '/readyz')));
  if (held !== undefined) return [failed(held, todo)];
  if (management === undefined) return [skipped("AMQP_URL does not say where RabbitMQ's management API is")];
  const vhost = vhostOf(urlsOf(settings.AMQP_URL)[0]);
  const answers = await Promise.all(
    [EVENTS_EXCHANGE, METRICS_EXCHANGE].map((exchange) => ask(...bindingsRequest(management, vhost, exchange))),
  );
  const queues = answers.map((answer) =>
    'problem' in answer ? undefined : bindingsSchema.safeParse(answer.body).data,
  );
  if (queues.includes(undefined))
    return [
      skipped(
        `RabbitMQ's management API at ${management.host} does not show the bindings (${answers.map(saidOf).join('; ')}): give its address with --management`,
      ),
    ];
  const bound = queues.flat().filter((one) => one?.destination_type === 'queue');
  if (bound.length === 0) return [failed('No queue is bound: nobody gets the events, which wait in the journal', todo)];
  return [ok(`Queues that get events: ${[...new Set(bound.map((one) => one?.destination))].join(', ')}`)];
}

function bindingsRequest(management: URL, vhost: string, exchange: string): [URL, RequestInit] {
  const url = new URL(management);
  // It may have a path before every other: path_prefix.
  url.pathname = `${url.pathname.replace(/\/$/, '')}/api/exchanges/${encodeURIComponent(vhost)}/${exchange}/bindings/source`;
  const user = `${decodeURIComponent(management.username)}:${decodeURIComponent(management.password)}`;
  [url.username, url.password] = ['', ''];
  return [url, { headers: { authorization: `Basic ${Buffer.from(user).toString('base64')}` } }];
}

const saidOf = (answer: Answer): string => ('problem' in answer ? answer.problem : `it answered ${answer.status}`);

function vhostOf(url: string | undefined): string {
  const path = url === undefined ? '' : new URL(url).pathname.slice(1);
  return path === '' ? '/' : decodeURIComponent(path);
}

function urlsOf(text: string | undefined): readonly string[] {
  try {
    return parseAmqpUrls(text);
  } catch {
    return [];
  }
}
