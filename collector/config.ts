import { readFileSync } from 'node:fs';
import { parse as parseYaml } from 'yaml';
import { z } from 'zod';
import { isNetwork } from './client-address.ts';

const SECONDS = 'must be a number of seconds, 0 or more';
const seconds = (fallback: number) => z.coerce.number(SECONDS).nonnegative(SECONDS).default(fallback);
const DAYS = 'must be a number of days above 0';
const PORT = 'must be an integer from 0 to 65535';
const BYTES = 'must be a number of bytes above 0, or a number with a unit, e.g. 500MiB';
const bytes = z.preprocess(parseBytes, z.int(BYTES).positive(BYTES));
const oneOf = <const T extends readonly string[]>(values: T) => z.enum(values, `must be one of ${values.join(', ')}`);
const text = z.string('must be text').min(1);
/** Every entry of a comma-separated list. */
const list = (isRight: (entry: string) => boolean, what: string) =>
  text.refine((given) => listOf(given).every(isRight), what);

/** The entries of a comma-separated setting. */
export function listOf(given: string | undefined): readonly string[] {
  return (given ?? '').split(',').flatMap((entry) => (entry.trim() === '' ? [] : [entry.trim()]));
}

function isOrigin(entry: string): boolean {
  return URL.canParse(entry) && new URL(entry).origin === entry;
}

function isHttpUrl(given: string): boolean {
  return URL.canParse(given) && /^https?:$/.test(new URL(given).protocol);
}

function parseBytes(value: unknown): unknown {
  const match = typeof value === 'string' ? /^(\d+(?:\.\d+)?)\s*([KMGT]?)i?B?$/i.exec(value.trim()) : null;
  if (match === null) return value;
  return Math.round(Number(match[1]) * 1024 ** ' KMGT'.indexOf((match[2] || ' ').toUpperCase()));
}

const NETWORKS = 'must be addresses or networks such as 10.0.0.0/8, separated by commas';

/** Every setting, by the name of its environment variable. */
const settings = z.object({
  HOST: text.default('127.0.0.1').describe('Address to listen on'),
  PORT: z.coerce
    .number(PORT)
    .int(PORT)
    .min(0, PORT)
    .max(65_535, PORT)
    .default(4318)
    .describe('Port to listen on, 0 for any free one'),
  DATA_DIR: text.default('data').describe('Directory of the journal and the keys'),
  AMQP_URL: text.optional().describe('RabbitMQ broker, or several separated by commas'),
  AMQP_CA_FILE: text.optional().describe('CA certificate for amqps, PEM'),
  AMQP_CERT_FILE: text.optional().describe('Client certificate for amqps, PEM'),
  AMQP_KEY_FILE: text.optional().describe('Key of the client certificate, PEM'),
  JOURNAL_MAX_BYTES: bytes.default(1024 ** 3).describe('Bound of the journal, e.g. 500MiB'),
  JOURNAL_RETENTION_DAYS: z.coerce
    .number(DAYS)
    .positive(DAYS)
    .default(7)
    .describe('How long published events stay as history'),
  ON_UNROUTABLE: oneOf(['hold', 'drop']).default('hold').describe('What becomes of an event that no queue takes'),
  ON_UNKNOWN_KEY: oneOf(['refuse', 'hold'])
    .default('refuse')
    .describe(
      'What senders of OTLP without a valid key are told: refuse (401, they drop it), hold (503, they keep it)',
    ),
  LOG_LEVEL: oneOf(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'])
    .default('info')
    .describe('How much is logged'),
  MAX_BODY_BYTES: bytes.default(64 * 1024 ** 2).describe('Largest OTLP body, before and after decompression'),
  MAX_INFLIGHT_BYTES: bytes.default(128 * 1024 ** 2).describe('Bodies being read at once, in all'),
  CLOWDER_VERSION: oneOf(['auto', 'v1', 'v2']).default('auto').describe('Whose routes to recognise'),
  CLOWDER_CONTEXT: text
    .regex(/^\/?$|^\/[^?#]*$/, 'must be a path such as /clowder')
    .default('')
    .describe('Path that precedes every route of Clowder'),
  CLOWDER_INSTANCE: text.optional().describe('Name of this Clowder in events that name none'),
  CLIENT_ADDRESS: oneOf(['anonymise', 'full', 'drop'])
    .default('anonymise')
    .describe('What is kept of client addresses'),
  EXTRACTOR_ADDRESSES: list(isNetwork, NETWORKS)
    .optional()
    .describe('Where extractors call from: programs there are extractors, and no others'),
  TRUSTED_PROXIES: list(isNetwork, NETWORKS)
    .optional()
    .describe('Reverse proxies in front, whose word on the client address counts'),
  DEDUPE_WINDOW_S: seconds(3600).describe('How long an event id is remembered'),
  WAIT_FOR_CAPTURE_S: seconds(60).describe("How long a marked observation waits for the proxy's own"),
  CONNECTIONS_WINDOW_S: seconds(60).describe('Window of health.connections, from access logs; 0 for none'),
  CONNECTIONS_LATENESS_S: seconds(60).describe('How long a window waits for lines that come late'),
  ALLOWED_ORIGINS: list(isOrigin, 'must be origins such as https://clowder.example.org, separated by commas')
    .optional()
    .describe('Origins of pages that may send page views, separated by commas'),
  OTEL_EXPORTER_OTLP_ENDPOINT: text
    .refine(isHttpUrl, 'must be a URL such as http://127.0.0.1:4318')
    .optional()
    .describe("Where the collector's own telemetry goes"),
});

export type Settings = z.infer<typeof settings> & {
  /** OTEL_* settings of the configuration file, for the OTel SDK, which reads the environment alone. */
  readonly OTEL: Readonly<Record<string, string>>;
};
export const SETTINGS: readonly { readonly name: string; readonly description: string }[] = Object.entries(
  settings.shape,
).map(([name, schema]) => ({ name, description: schema.description ?? '' }));

/** The configuration is wrong; the message names every variable that is, what it was and what it may be. */
export class ConfigError extends Error {
  readonly code = 'invalid_config';
  override readonly name = 'ConfigError';
}

/** What one setting by itself cannot tell: the problems of those settings that are right by themselves. */
export type SettingsCheck = (settings: Partial<Settings>) => readonly string[];

/** Names in the file that are not ours: of the OTel SDK, and of sinks, which may share it. */
const OF_OTHERS = /^(?:OTEL_|SINK_|sinks$)/;

/**
 * Reads the settings from a YAML file, where one is named, and from the environment, which wins. Empty counts as unset.
 *
 * @throws ConfigError
 */
export function loadSettings(
  environment: NodeJS.ProcessEnv,
  configFile?: string,
  checks: readonly SettingsCheck[] = [],
): Settings {
  const fromFile = configFile === undefined ? {} : readConfigFile(configFile);
  const problems = Object.keys(fromFile)
    .filter((name) => !Object.hasOwn(settings.shape, name) && !OF_OTHERS.test(name))
    .map((name) => `${name} is no setting (in ${configFile}); known: ${Object.keys(settings.shape).join(', ')}`);
  const given: Record<string, unknown> = { ...fromFile };
  for (const name of Object.keys(settings.shape)) {
    const value = environment[name];
    if (value !== undefined && value !== '') given[name] = value;
  }
  const parsed = settings.safeParse(given);
  problems.push(...(parsed.error?.issues ?? []).map((issue) => explain(issue, given)));
  for (const check of checks) problems.push(...check(parsed.data ?? rightOnes(given)));
  if (problems.length > 0 || !parsed.success) {
    throw new ConfigError(`The configuration is wrong:\n${problems.map((problem) => `  ${problem}`).join('\n')}`);
  }
  return { ...parsed.data, OTEL: forSdk(fromFile) };
}

function rightOnes(given: Record<string, unknown>): Partial<Settings> {
  return Object.fromEntries(
    Object.entries(settings.shape).flatMap(([name, schema]) => {
      const { success, data } = schema.safeParse(given[name]);
      return success && data !== undefined ? [[name, data]] : [];
    }),
  );
}

function forSdk(fromFile: Readonly<Record<string, unknown>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(fromFile)
      .filter(([name]) => name.startsWith('OTEL_'))
      .map(([name, value]) => [name, String(value)]),
  );
}

function explain(issue: z.core.$ZodIssue, given: Record<string, unknown>): string {
  const name = String(issue.path[0]);
  return `${name} was ${JSON.stringify(given[name])}: ${issue.message}`;
}

/** Names and values of a `--config` file; lists joined by commas. @throws ConfigError */
export function readConfigFile(path: string): Record<string, unknown> {
  let yaml: string;
  try {
    yaml = readFileSync(path, 'utf8');
  } catch (cause) {
    throw new ConfigError(
      `--config ${path} cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`,
      { cause },
    );
  }
  let parsed: unknown;
  try {
    parsed = parseYaml(yaml);
  } catch (cause) {
    throw new ConfigError(`--config ${path} is not YAML: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    });
  }
  if (parsed === null) return {};
  if (typeof parsed !== 'object' || Array.isArray(parsed))
    throw new ConfigError(`--config ${path} must be a map of names and values, e.g. PORT: 4318`);
  return Object.fromEntries(
    Object.entries(parsed).flatMap(([name, value]) =>
      value === null || value === '' ? [] : [[name, Array.isArray(value) ? value.join(',') : value]],
    ),
  );
}
