import { z } from 'zod';
import { brokerSettings } from '../runtime/amqp/broker-settings.ts';
import { ConfigError } from '../runtime/config/config-error.ts';
import { readConfigFile } from '../runtime/config/file.ts';
import { oneOf, parseSettings, text, valueOf } from '../runtime/config/schema.ts';
import { givenOf } from '../runtime/config/source.ts';
import { checkTlsFiles } from '../runtime/config/tls-files.ts';
import { networks as networksValue } from '../runtime/config/networks.ts';
import { usageSettings } from '../usage/ask/settings.ts';
import { dashboardSettings } from './overview/settings.ts';
import {
  contextPath,
  httpUrl,
  LOG_FORMATS,
  LOG_LEVELS,
  number,
  origins,
  port,
  seconds,
  size,
  type Value,
} from '../runtime/config/values.ts';

const bytes = valueOf(size({ above: 0 }));
const wait = valueOf(seconds({ least: 0 }));
const networks = valueOf(networksValue);

/** A port, or `off`. */
const grpcPort: Value<number | 'off'> = {
  mayBe: `${port.mayBe}, or off`,
  parse: (given) => (given === 'off' || given === false ? 'off' : port.parse(given)),
};

/** Every setting, by the name of its environment variable. */
const settings = z.object({
  HOST: text.default('127.0.0.1').describe('Address to listen on'),
  PORT: valueOf(port).default(4318).describe('Port to listen on; 0 picks a free one'),
  GRPC_PORT: valueOf(grpcPort).default(4317).describe('Port for OTLP/gRPC; 0 picks a free one, off turns it off'),
  GRPC_TLS_CERT_FILE: text.optional().describe('Certificate (chain) for OTLP/gRPC, PEM; without it, plain text'),
  GRPC_TLS_KEY_FILE: text.optional().describe('Its key, PEM'),
  DATA_DIR: text.default('data').describe('Directory of the journal and the keys'),
  CLOWDER_OTEL_FIRST_KEY: text
    .optional()
    .describe(
      'A key of your own, 32 to 200 characters, with the scopes ingest and capture; a different one at the next start replaces it',
    ),
  CLOWDER_OTEL_FIRST_KEY_FILE: text.optional().describe('File that holds it instead, such as a mounted secret'),
  ...brokerSettings,
  JOURNAL_MAX_BYTES: bytes.default(1024 ** 3).describe('Largest size of the journal, e.g. 500MiB'),
  JOURNAL_RETENTION_DAYS: valueOf(number('a number of days', { above: 0 }))
    .default(7)
    .describe('How long published events stay as history'),
  ON_UNROUTABLE: oneOf(['hold', 'drop']).default('hold').describe('What to do with an event that no queue takes'),
  ON_UNKNOWN_KEY: oneOf(['refuse', 'hold'])
    .default('refuse')
    .describe(
      'How to answer OTLP senders without a valid key: refuse (401, they drop their data), hold (503, they keep it)',
    ),
  LOG_LEVEL: oneOf(LOG_LEVELS).default('info').describe('How much to log'),
  LOG_FORMAT: oneOf(LOG_FORMATS)
    .default('auto')
    .describe('Format of the log: json, pretty (for people), auto (pretty on a terminal)'),
  MAX_BODY_BYTES: bytes.default(64 * 1024 ** 2).describe('Largest OTLP body, before and after decompression'),
  MAX_INFLIGHT_BYTES: bytes.default(128 * 1024 ** 2).describe('Total size of the bodies read at once'),
  CLOWDER_VERSION: oneOf(['auto', 'v1', 'v2']).default('auto').describe("Which Clowder's routes to recognise"),
  CLOWDER_CONTEXT: valueOf(contextPath).default('').describe('Path that precedes every route of Clowder'),
  CLOWDER_INSTANCE: text.optional().describe('Name of this Clowder, given to events that do not name one'),
  CLIENT_ADDRESS: oneOf(['anonymise', 'full', 'drop'])
    .default('anonymise')
    .describe('How much of client addresses to keep'),
  EXTRACTOR_ADDRESSES: networks
    .optional()
    .describe('Networks that extractors call from: programs there, and no others, are extractors'),
  TRUSTED_PROXIES: networks.optional().describe('Reverse proxies in front that are trusted to name the client'),
  COLLECTORS: oneOf(['one', 'several'])
    .default('one')
    .describe('several when other collectors take events too: each then gives an event the same id'),
  DEDUPE_WINDOW_S: wait.default(3600).describe('How long the collector remembers an event id'),
  WAIT_FOR_CAPTURE_S: wait.default(60).describe("How long a marked observation waits for the proxy's own"),
  DOWNLOAD_HOLD_S: wait.default(30).describe('How long to hold an incomplete download after its latest piece, seconds'),
  CONNECTIONS_WINDOW_S: wait.default(60).describe('Window of health.connections, from access logs; 0 turns them off'),
  CONNECTIONS_LATENESS_S: wait.default(60).describe('How long a window waits for late lines'),
  ALLOWED_ORIGINS: valueOf(origins)
    .optional()
    .describe('Origins of pages that may send page views, separated by commas'),
  ...usageSettings,
  ...dashboardSettings,
  OTEL_EXPORTER_OTLP_ENDPOINT: valueOf(httpUrl).optional().describe('Where the collector sends its own telemetry'),
});

/** What the commands of the usage store need: its place, and how access-log lines are mapped. */
const storeSettings = settings.pick({
  DATA_DIR: true,
  LOG_LEVEL: true,
  USAGE_STORE: true,
  USAGE_MEMORY_BYTES: true,
  USAGE_POSTGRESQL_SCHEMA: true,
  USAGE_EXCLUDE_USERS: true,
  USAGE_EXCLUDE_NETWORKS: true,
  USAGE_EXCLUDE_AGENTS: true,
  USAGE_MANY_DATASETS: true,
  USAGE_MANY_DOWNLOADS: true,
  USAGE_STEADY_EVENTS: true,
  USAGE_COUNTRIES_FILE: true,
  CLOWDER_VERSION: true,
  CLOWDER_CONTEXT: true,
  CLOWDER_INSTANCE: true,
  CLIENT_ADDRESS: true,
  EXTRACTOR_ADDRESSES: true,
  CATALOG_URL: true,
  CATALOG_API_KEY: true,
});
export type StoreSettings = z.infer<typeof storeSettings>;

export type Settings = z.infer<typeof settings> & {
  /** OTEL_* settings in the configuration file, for the OTel SDK, which reads only the environment. */
  readonly OTEL: Readonly<Record<string, string>>;
};
export const SETTINGS: readonly { readonly name: string; readonly description: string }[] = Object.entries(
  settings.shape,
).map(([name, schema]) => ({ name, description: schema.description ?? '' }));

/** Problems between settings that are each valid on their own. */
export type SettingsCheck = (settings: Partial<Settings>) => readonly string[];

/** OTLP/gRPC: its own port, and TLS files that are readable and match. */
export function checkGrpc(given: Partial<Settings>): readonly string[] {
  const isTaken = given.GRPC_PORT !== undefined && given.GRPC_PORT !== 0 && given.GRPC_PORT === given.PORT;
  return [
    ...(isTaken ? [`GRPC_PORT was ${given.GRPC_PORT}, the same as PORT: HTTP and gRPC need different ports`] : []),
    ...checkTlsFiles({ cert: 'GRPC_TLS_CERT_FILE', key: 'GRPC_TLS_KEY_FILE' }, given),
  ];
}

/** Names in the file that belong to the OTel SDK, sinks or reports, which may share it. */
const OF_OTHERS = /^(?:OTEL_|SINK_|REPORT_|sinks$)/;

/**
 * Reads the settings from a YAML file, if one is named, and from the environment, which wins. Empty counts as unset.
 *
 * @throws ConfigError
 */
export function loadSettings(
  environment: NodeJS.ProcessEnv,
  configFile?: string,
  checks: readonly SettingsCheck[] = [],
): Settings {
  const fromFile = fileOf(configFile);
  const problems = [...strangersIn(fromFile, configFile)];
  const parsed = parseSettings(settings, givenOf(Object.keys(settings.shape), environment, fromFile));
  problems.push(...parsed.problems);
  for (const check of checks) problems.push(...check(parsed.right));
  if (problems.length > 0 || parsed.data === undefined) throw ConfigError.of(problems);
  return { ...parsed.data, OTEL: forSdk(fromFile) };
}

/**
 * Reads what the commands of the usage store need, as `loadSettings` does. A wrong broker or port does not matter for
 * counting.
 *
 * @throws ConfigError
 */
export function loadStoreSettings(environment: NodeJS.ProcessEnv, configFile?: string): StoreSettings {
  const fromFile = fileOf(configFile);
  const parsed = parseSettings(storeSettings, givenOf(Object.keys(storeSettings.shape), environment, fromFile));
  const problems = [...strangersIn(fromFile, configFile), ...parsed.problems];
  if (problems.length > 0 || parsed.data === undefined) throw ConfigError.of(problems);
  return parsed.data;
}

const fileOf = (configFile: string | undefined): Readonly<Record<string, unknown>> =>
  configFile === undefined ? {} : readConfigFile(configFile);

const strangersIn = (fromFile: Readonly<Record<string, unknown>>, configFile: string | undefined): readonly string[] =>
  Object.keys(fromFile)
    .filter((name) => !Object.hasOwn(settings.shape, name) && !OF_OTHERS.test(name))
    .map((name) => `${name} is not a setting (in ${configFile}); known: ${Object.keys(settings.shape).join(', ')}`);

function forSdk(fromFile: Readonly<Record<string, unknown>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(fromFile)
      .filter(([name]) => name.startsWith('OTEL_'))
      .map(([name, value]) => [name, String(value)]),
  );
}
