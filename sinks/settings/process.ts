import { z } from 'zod';
import { brokerSettings, type BrokerSettings } from '../../runtime/amqp/broker-settings.ts';
import { oneOf, parseSettings, valueOf } from '../../runtime/config/schema.ts';
import { givenOf, type Environment, type Given } from '../../runtime/config/source.ts';
import { address, LOG_FORMATS, LOG_LEVELS } from '../../runtime/config/values.ts';

const SECRET_MIN = 16;

/** Settings of the process that runs sinks, by their names in variables and in the file. */
const settings = z.object({
  ...brokerSettings,
  LOG_LEVEL: oneOf(LOG_LEVELS).default('info').describe('How much to log'),
  LOG_FORMAT: oneOf(LOG_FORMATS)
    .default('auto')
    .describe('Format of the log: json, pretty (for people), auto (pretty on a terminal)'),
  SINK_ADMIN: valueOf(address()).optional().describe('Listener for /healthz, /readyz and /metrics'),
  SINK_HASH_SECRET: z
    .string()
    .min(SECRET_MIN, `must have at least ${SECRET_MIN} characters`)
    .optional()
    .describe('Secret for the hashes that the privacy policy asks for'),
});

export const PROCESS_SETTINGS: readonly { readonly name: string; readonly description: string }[] = Object.entries(
  settings.shape,
).map(([name, schema]) => ({ name, description: schema.description ?? '' }));

export type ProcessSettings = z.infer<typeof settings>;

export interface LoadedProcessSettings {
  /** undefined if any setting is wrong. */
  readonly settings: ProcessSettings | undefined;
  /** The broker's settings, for further checks even if others are wrong. */
  readonly broker: BrokerSettings;
  readonly problems: readonly string[];
}

/** The environment wins over the file; an empty value counts as unset. */
export function loadProcessSettings(environment: Environment, file: Given): LoadedProcessSettings {
  const { data, right, problems } = parseSettings(settings, givenOf(Object.keys(settings.shape), environment, file));
  return { settings: data, broker: right, problems };
}
