import { readFileSync } from 'node:fs';
import { parse as parseYaml } from 'yaml';
import { z } from 'zod';

const bytes = z.preprocess(parseBytes, z.int().positive());
const seconds = (fallback: number) => z.coerce.number().nonnegative().default(fallback);
const file = z.string().min(1).optional();

function parseBytes(value: unknown): unknown {
  const match = typeof value === 'string' ? /^(\d+(?:\.\d+)?)\s*([KMGT]?)i?B?$/i.exec(value.trim()) : null;
  if (match === null) return typeof value === 'string' ? Number(value) : value;
  return Math.round(Number(match[1]) * 1024 ** ' KMGT'.indexOf((match[2] || ' ').toUpperCase()));
}

/** Every setting, by the name of its environment variable. */
const settings = z.object({
  HOST: z.string().min(1).default('127.0.0.1').describe('Address to listen on'),
  PORT: z.coerce.number().int().min(0).max(65_535).default(4318).describe('Port to listen on, 0 for any free one'),
  DATA_DIR: z.string().min(1).default('data').describe('Directory of the journal and the keys'),
  AMQP_URL: z.string().min(1).optional().describe('RabbitMQ broker, or several separated by commas'),
  AMQP_CA_FILE: file.describe('CA certificate for amqps, PEM'),
  AMQP_CERT_FILE: file.describe('Client certificate for amqps, PEM'),
  AMQP_KEY_FILE: file.describe('Key of the client certificate, PEM'),
  JOURNAL_MAX_BYTES: bytes.default(1024 ** 3).describe('Bound of the journal, e.g. 500MiB'),
  JOURNAL_RETENTION_DAYS: z.coerce.number().positive().default(7).describe('How long published events stay as history'),
  ON_UNROUTABLE: z.enum(['hold', 'drop']).default('hold').describe('What becomes of an event that no queue takes'),
  LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info'),
  MAX_BODY_BYTES: bytes.default(64 * 1024 ** 2).describe('Largest OTLP body, before and after decompression'),
  MAX_INFLIGHT_BYTES: bytes.default(128 * 1024 ** 2).describe('Bodies being read at once, in all'),
  CLOWDER_VERSION: z.enum(['auto', 'v1', 'v2']).default('auto'),
  CLOWDER_CONTEXT: z
    .string()
    .regex(/^\/?$|^\/[^?#]*$/, 'must be a path such as /clowder')
    .default('')
    .describe('Path that precedes every route of Clowder'),
  CLOWDER_INSTANCE: z.string().min(1).optional().describe('Name of this Clowder in events that name none'),
  CLIENT_ADDRESS: z
    .enum(['anonymise', 'full', 'drop'])
    .default('anonymise')
    .describe('What is kept of client addresses'),
  DEDUPE_WINDOW_S: seconds(3600).describe('How long an event id is remembered'),
  WAIT_FOR_CAPTURE_S: seconds(60).describe("How long a marked observation waits for the proxy's own"),
  ALLOWED_ORIGINS: z.string().optional().describe('Origins of pages that may send page views, separated by commas'),
  OTEL_EXPORTER_OTLP_ENDPOINT: z.string().optional().describe("Where the collector's own telemetry goes"),
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

/** One message for everything that is wrong; `checks` see the settings once each is right by itself. */
export type SettingsCheck = (settings: Settings) => readonly string[];

/**
 * Reads the settings from a YAML file, where one is named, and from the environment, which wins.
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
    .filter((name) => !Object.hasOwn(settings.shape, name) && !name.startsWith('OTEL_'))
    .map((name) => `${name} is no setting (in ${configFile}); known: ${Object.keys(settings.shape).join(', ')}`);
  const given: Record<string, unknown> = { ...fromFile };
  for (const name of Object.keys(settings.shape)) {
    const value = environment[name];
    if (value !== undefined && value !== '') given[name] = value;
  }
  const parsed = settings.safeParse(given);
  const loaded = parsed.success ? { ...parsed.data, OTEL: forSdk(fromFile) } : undefined;
  if (loaded !== undefined) for (const check of checks) problems.push(...check(loaded));
  else problems.push(...(parsed.error?.issues ?? []).map((issue) => explain(issue, given)));
  if (problems.length > 0 || loaded === undefined) {
    throw new ConfigError(`The configuration is wrong:\n${problems.map((problem) => `  ${problem}`).join('\n')}`);
  }
  return loaded;
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
  const allowed = issue.code === 'invalid_value' ? `; may be ${issue.values.join(', ')}` : '';
  return `${name} was ${JSON.stringify(given[name])}: ${issue.message}${allowed}`;
}

function readConfigFile(path: string): Record<string, unknown> {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    throw new ConfigError(
      `--config ${path} cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`,
      { cause },
    );
  }
  let parsed: unknown;
  try {
    parsed = parseYaml(text);
  } catch (cause) {
    throw new ConfigError(`--config ${path} is not YAML: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    });
  }
  if (parsed === null) return {};
  if (typeof parsed !== 'object' || Array.isArray(parsed))
    throw new ConfigError(`--config ${path} must be a map of names and values, e.g. PORT: 4318`);
  return Object.fromEntries(
    Object.entries(parsed).map(([name, value]) => [name, Array.isArray(value) ? value.join(',') : value]),
  );
}
