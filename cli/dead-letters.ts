import { readFileSync } from 'node:fs';
import type { DeadLetters } from '../collector/api/dead-letter-routes.ts';
import type { Settings } from '../collector/config.ts';
import { oneAtATime } from '../collector/slices.ts';
import { parseAmqpUrls } from '../runtime/amqp/amqp-url.ts';
import { amqpTls } from '../runtime/amqp/broker-settings.ts';
import { explainBrokerError } from '../runtime/amqp/broker-error.ts';
import { withBroker, type OpenBroker } from '../sinks/queue/broker.ts';
import { deadQueues, listDeadLetters, NoDeadLettersError, replayDeadLetters } from '../sinks/queue/dead-letters.ts';

/**
 * The sinks' dead letters, for the collector's dashboard. Requests are few, so each opens its own connection, to the
 * collector's broker and as its user. They run one after the other: messages that one reader holds are hidden from another.
 */
export function deadLettersOf(settings: Settings): DeadLetters {
  const { tls } = amqpTls(settings, (path) => readFileSync(path));
  const access = {
    urls: parseAmqpUrls(settings.AMQP_URL),
    tls,
    connectionName: 'clowder-otel collector, dead letters',
  };
  const inTurn = oneAtATime();
  const ask = <Answer>(use: (opened: OpenBroker) => Promise<Answer>): Promise<Answer> =>
    inTurn(() =>
      withBroker(access, (opened) =>
        use(opened).catch((error: unknown) => {
          throw error instanceof NoDeadLettersError ? error : explainBrokerError(error, opened.broker);
        }),
      ),
    );
  return {
    queues: () =>
      ask(async ({ model }) => {
        // Loaded on request: the collector itself needs nothing that sinks need.
        const { SINKS } = await import('../sinks/registry.ts');
        return deadQueues(
          model,
          SINKS.map(({ name }) => name),
        );
      }),
    list: (sink, limit) => orNone(ask(({ model }) => listDeadLetters(model, sink, limit))),
    replay: (sink, { ids, limit }) =>
      orNone(
        ask((opened) =>
          replayDeadLetters(opened, sink, { limit, ...(ids !== undefined && { ids: new Set(ids) }) }, () => undefined),
        ),
      ),
  };
}

async function orNone<Answer>(asked: Promise<Answer>): Promise<Answer | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof NoDeadLettersError) return undefined;
    throw error;
  }
}
