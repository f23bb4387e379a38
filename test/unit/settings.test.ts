import { describe, expect, test } from 'vitest';
import { loadSettings, SETTINGS } from '../../collector/config.ts';
import { selfTelemetrySettings } from '../../collector/self-telemetry/settings.ts';
import { enrichmentSettings } from '../../instrumentation/server/enrich-settings.ts';
import { callerTrust, captureOptions } from '../../instrumentation/server/settings.ts';
import { parseMonitorConfig } from '../../monitor/config/load.ts';
import { PROXY_FLAGS } from '../../proxy/flags.ts';
import { parseProxySettings } from '../../proxy/settings.ts';
import { checkBrokers } from '../../runtime/amqp/broker-settings.ts';
import { SINKS } from '../../sinks/registry.ts';
import { COMMON_VARIABLES } from '../../sinks/settings/common.ts';
import { loadSinks } from '../../sinks/settings/load.ts';
import { loadProcessSettings } from '../../sinks/settings/process.ts';

type Environment = Record<string, string>;

/** What a program made of its environment, and everything that it printed about it. */
interface Read {
  readonly settings: unknown;
  readonly said: string;
}

interface Program {
  readonly variables: readonly string[];
  readonly read: (environment: Environment) => Read;
}

/** The settings, or the error instead. */
function attempt(load: (say: (message: string) => void) => unknown): Read {
  const said: string[] = [];
  try {
    return { settings: load((message) => void said.push(message)), said: said.join('\n') };
  } catch (error) {
    expect(error).toMatchObject({ code: 'invalid_config' });
    return { settings: undefined, said: String(error) };
  }
}

const BROKER = ['AMQP_URL', 'AMQP_CA_FILE', 'AMQP_CERT_FILE', 'AMQP_KEY_FILE'];
const ENRICH = ['', '_URL', '_API_KEY', '_TIMEOUT_S', '_CACHE_SIZE', '_CACHE_TTL_S'].map(
  (end) => `CLOWDER_ENRICH${end}`,
);
const OTLP = 'OTEL_EXPORTER_OTLP_';

const PROGRAMS: Readonly<Record<string, Program>> = {
  collector: {
    variables: SETTINGS.map(({ name }) => name),
    read: (environment) => attempt(() => loadSettings(environment, undefined, [checkBrokers])),
  },
  "the collector's own telemetry": {
    variables: [
      'OTEL_SDK_DISABLED', 'OTEL_TRACES_EXPORTER', 'OTEL_METRICS_EXPORTER', 'OTEL_METRIC_EXPORT_INTERVAL',
      'OTEL_METRIC_EXPORT_TIMEOUT', `${OTLP}ENDPOINT`, `${OTLP}TRACES_ENDPOINT`, `${OTLP}METRICS_ENDPOINT`, `${OTLP}PROTOCOL`,
      `${OTLP}METRICS_PROTOCOL`,
    ],
    read: (environment) =>
      attempt((say) => {
        const settings = selfTelemetrySettings(environment, { host: '127.0.0.1', ports: [4318] });
        for (const warning of settings.warnings) say(warning);
        return settings;
      }),
  },
  monitor: {
    variables: ['AMQP_URL', 'SPOOL_DIR', 'SPOOL_MAX_BYTES', 'MONITOR_ADMIN', 'LOG_LEVEL', 'LOG_FORMAT'],
    read: (environment) => attempt(() => parseMonitorConfig('extractors: { jobs: poll }', environment)),
  },
  proxy: {
    variables: PROXY_FLAGS.map(({ setting }) => setting),
    read: (environment) => attempt(() => parseProxySettings(environment)),
  },
  'an instrumented server': {
    variables: ['CLOWDER_VERSION', 'CLOWDER_CONTEXT', 'CLOWDER_INSTANCE', 'CLOWDER_TRUST_FORWARDED', 'TRUSTED_PROXIES', ...ENRICH],
    read: (environment) =>
      attempt((say) => {
        const options = captureOptions({}, environment, say);
        const enrichment = [undefined, { what: ['names' as const] }].map((inCode) =>
          enrichmentSettings(inCode, 'v1', environment, say),
        );
        return { options, trust: callerTrust({}, environment, say)({ remoteAddress: '10.0.0.1' }), enrichment };
      }),
  },
  'the process of sinks': {
    variables: [...BROKER, 'LOG_LEVEL', 'LOG_FORMAT', 'SINK_ADMIN', 'SINK_HASH_SECRET'],
    read: (environment) =>
      attempt((say) => {
        const { settings, broker, problems } = loadProcessSettings(environment, {});
        for (const problem of [...problems, ...checkBrokers(broker)]) say(problem);
        return settings;
      }),
  },
  ...Object.fromEntries(
    SINKS.map(({ name, variables }) => {
      const common = Object.keys(COMMON_VARIABLES).map((suffix) => `SINK_${name.toUpperCase()}_${suffix}`);
      return [
        `sink ${name}`,
        {
          variables: [...Object.keys(variables), ...common],
          read: (environment: Environment) =>
            attempt((say) => {
              const section = { [name]: {} };
              const { sinks, problems } = loadSinks({ definitions: SINKS, environment, section, canHash: true });
              for (const problem of problems) say(problem);
              return sinks.map(({ config, common: shared }) => ({ config, shared }));
            }),
        },
      ];
    }),
  ),
}; // prettier-ignore

const SETTINGS_OF_ALL = Object.entries(PROGRAMS).flatMap(([program, { variables, read }]) =>
  variables.map((variable) => ({ program, variable, read })),
);

describe('settings of every program', () => {
  test.each(SETTINGS_OF_ALL)('$program: an empty or blank $variable counts as unset', ({ variable, read }) => {
    const unset = read({});
    expect(read({ [variable]: '' })).toEqual(unset);
    expect(read({ [variable]: ' ' })).toEqual(unset);
  });

  test.each(SETTINGS_OF_ALL)('$program: messages about $variable have no password', ({ variable, read }) => {
    for (const url of [
      'http://user:s3cret@127.0.0.1:4318/?token=s3cret',
      'http//user:s3cret@host/?token=s3cret',
      'amqp://user:s3cret@host:port',
      'ftp://host/?api_key=s3cret#access_token=s3cret',
      'https://user:s3cret/@s3cret?@host:99999',
    ])
      expect(read({ [variable]: url }).said).not.toContain('s3cret');
  });

  test('have messages at all if a URL is invalid, so that the rule above checks something', () => {
    const { said } = PROGRAMS['collector']?.read({ PORT: 'http://user:s3cret@h' }) ?? { said: '' };
    expect(said).toContain('PORT was "http://user:***@h": must be an integer from 0 to 65535');
  });
});
