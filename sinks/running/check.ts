import { explainBrokerError } from '../../runtime/amqp/broker-error.ts';
import { redactAmqpUrl } from '../../runtime/amqp/amqp-url.ts';
import { withBroker, type BrokerAccess } from '../queue/broker.ts';
import { queueExists } from '../queue/declare.ts';
import { queueName } from '../queue/names.ts';
import type { ConfiguredSink } from '../settings/load.ts';
import type { Sink, SinkContext } from '../sink.ts';
import { errorText } from '../../runtime/error-text.ts';

/** Result of a dry run for one part of one sink. */
export interface CheckResult {
  readonly sink: string;
  readonly part: 'broker' | 'service';
  readonly ok: boolean;
  readonly says: string;
}

const SERVICE_MS = 15_000;

/** Tests a sink's broker and service without declaring or storing anything. Its settings are already valid. */
export async function checkSink(
  configured: ConfiguredSink,
  broker: BrokerAccess,
  context: SinkContext,
): Promise<readonly CheckResult[]> {
  const sink = configured.definition.name;
  const [ofBroker, ofService] = await Promise.all([
    attempt(() => checkBroker(sink, broker)),
    attempt(() => checkService(configured, context)),
  ]);
  return [
    { sink, part: 'broker', ...ofBroker },
    { sink, part: 'service', ...ofService },
  ];
}

async function attempt(check: () => Promise<string>): Promise<{ readonly ok: boolean; readonly says: string }> {
  try {
    return { ok: true, says: await check() };
  } catch (error) {
    return { ok: false, says: errorText(error) };
  }
}

function checkBroker(sink: string, access: BrokerAccess): Promise<string> {
  return withBroker(access, async ({ model, broker }) => {
    try {
      const exists = await queueExists(model, queueName(sink));
      return `Connected to ${broker}; the queue ${queueName(sink)} ${exists ? 'is there' : 'will be made when the sink runs first'}.`;
    } catch (error) {
      throw explainBrokerError(error, redactAmqpUrl(broker));
    }
  });
}

async function checkService({ definition, config }: ConfiguredSink, context: SinkContext): Promise<string> {
  let sink: Sink | undefined;
  try {
    sink = await definition.open(config, context);
    return await sink.check(AbortSignal.timeout(SERVICE_MS));
  } finally {
    await sink?.close();
  }
}
