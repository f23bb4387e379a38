import { resolve } from 'node:path';
import type { ZodType } from 'zod';
import { DEFAULT_AMQP_URL, parseAmqpUrls } from '../../runtime/amqp/amqp-url.ts';
import { isSecretSetting, shown } from '../../runtime/config/blank.ts';
import { textOf } from '../../runtime/config/source.ts';
import type { LogFormat, LogLevel } from '../../runtime/logging.ts';
import { extractorsSettings, type ExtractorsSettings } from '../extractors/settings.ts';
import type { MonitorYaml, NotifierSettings, ProbeSettings, ScheduleSettings } from './schema.ts';
import type { Problem } from './secrets.ts';
import { amqpUrl as brokers, listenAddress, logFormat, logLevel, size } from './values.ts';

/** When a probe runs, and when its readings count. */
export interface Schedule {
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly retries: number;
  readonly retryPauseMs: number;
  /** In percent of the interval. */
  readonly jitter: number;
  readonly failures: number;
  readonly successes: number;
  readonly window: number;
}

type Unplanned = Exclude<ProbeSettings, { type: 'clowder' }>;

/** A probe as it runs: `clowder` is already replaced by the probes that it stands for. */
export type PlannedProbe = Unplanned & {
  readonly component: string;
  readonly schedule: Schedule;
};
export type PlannedProbeType = PlannedProbe['type'];
export type Planned<T extends PlannedProbeType> = Extract<PlannedProbe, { type: T }>;

export type PlannedNotifier = NotifierSettings & { readonly name: string };

/** The monitor's configuration, complete. */
export interface MonitorConfig {
  readonly instance: string | undefined;
  readonly telemetry: NonNullable<MonitorYaml['telemetry']>;
  readonly spoolDir: string;
  readonly spoolMaxBytes: number;
  readonly admin: { readonly host: string; readonly port: number } | undefined;
  readonly logLevel: LogLevel;
  readonly logFormat: LogFormat;
  readonly probes: readonly PlannedProbe[];
  readonly notify: readonly PlannedNotifier[];
  /** Brokers through which several monitors choose the active one; undefined for a single monitor. */
  readonly pair: { readonly urls: readonly string[]; readonly ca_file?: string | undefined } | undefined;
  /** Undefined if extractors are not observed. */
  readonly extractors: ExtractorsSettings | undefined;
  /** Texts that must never be shown: values from the environment and from files. */
  readonly secrets: ReadonlySet<string>;
}

const DEFAULTS: Schedule = {
  intervalMs: 60_000,
  timeoutMs: 10_000,
  retries: 1,
  retryPauseMs: 2000,
  jitter: 10,
  failures: 1,
  successes: 1,
  window: 10,
};

interface Surroundings {
  readonly environment: NodeJS.ProcessEnv;
  readonly secrets: ReadonlySet<string>;
  /** The directory of monitor.yaml. */
  readonly dir: string;
}

/** Fills in defaults, and checks settings against each other. */
export function completed(
  yaml: MonitorYaml,
  { environment, secrets, dir }: Surroundings,
): { readonly config: MonitorConfig; readonly problems: readonly Problem[] } {
  const problems: Problem[] = [];
  const fromEnvironment = <T>(name: string, schema: ZodType<T>): T | undefined => {
    const given = textOf(environment, name);
    if (given === undefined) return undefined;
    const { success, data, error } = schema.safeParse(given);
    if (success) return data;
    const message = `was ${shown(given, isSecretSetting(name))}; it may be ${error.issues[0]?.message}`;
    problems.push({ path: name, message });
    return undefined;
  };
  const amqpUrl = fromEnvironment('AMQP_URL', brokers) ?? DEFAULT_AMQP_URL;
  const probes = (yaml.probes ?? [])
    .flatMap((probe) => expanded(probe, yaml.clowder?.version ?? 'v1'))
    .map((probe) => planned(probe, yaml.defaults, amqpUrl));
  const notify = (yaml.notify ?? []).map((notifier) => plannedNotifier(notifier, amqpUrl));
  problems.push(
    ...twice('probes', probes),
    ...twice('notify', notify),
    ...unknownProbes(notify, yaml.extractors ? [...probes, { name: EXTRACTORS }] : probes),
  );
  return {
    problems,
    config: {
      instance: yaml.clowder?.instance,
      telemetry: yaml.telemetry ?? {},
      spoolDir: resolve(dir, textOf(environment, 'SPOOL_DIR') ?? yaml.spool_dir ?? 'monitor-data'),
      spoolMaxBytes: fromEnvironment('SPOOL_MAX_BYTES', size) ?? yaml.spool_max_bytes ?? 64 * 1024 * 1024,
      admin: fromEnvironment('MONITOR_ADMIN', listenAddress) ?? yaml.admin,
      logLevel: fromEnvironment('LOG_LEVEL', logLevel) ?? yaml.log_level ?? 'info',
      pair: yaml.pair && { urls: parseAmqpUrls(yaml.pair.url ?? amqpUrl), ca_file: yaml.pair.ca_file },
      logFormat: fromEnvironment('LOG_FORMAT', logFormat) ?? yaml.log_format ?? 'auto',
      probes,
      notify,
      extractors: yaml.extractors && extractorsSettings(yaml.extractors, amqpUrl, yaml.clowder?.version ?? 'v1'),
      secrets: new Set([...secrets, ...secretsIn(yaml)]),
    },
  };
}

function planned(probe: Unplanned, defaults: ScheduleSettings | undefined, amqpUrl: string): PlannedProbe {
  const component = probe.component ?? COMPONENTS[probe.type] ?? probe.name;
  const complete = { component, schedule: scheduleOf(probe, defaults) };
  return probe.type === 'rabbitmq' ? { ...probe, ...complete, url: probe.url ?? amqpUrl } : { ...probe, ...complete };
}

function plannedNotifier(notifier: NotifierSettings, amqpUrl: string): PlannedNotifier {
  const name = notifier.name ?? notifier.type;
  return notifier.type === 'rabbitmq' ? { ...notifier, name, url: notifier.url ?? amqpUrl } : { ...notifier, name };
}

/** The component, for probes that do not name one. */
const COMPONENTS: { readonly [type in PlannedProbeType]?: string } = {
  rabbitmq: 'rabbitmq',
  disk: 'disk',
  file_write: 'disk',
};

/** Replaces `type: clowder` with probes for Clowder's health checks and status pages. */
function expanded(probe: ProbeSettings, version: 'v1' | 'v2'): readonly Unplanned[] {
  if (probe.type !== 'clowder') return [probe];
  const { type: _type, url, version: own, ...rest } = probe;
  const base = url.replace(/\/+$/, '');
  const component = probe.component ?? 'clowder';
  if ((own ?? version) === 'v2')
    return [{ ...rest, component, type: 'http', url: `${base}/api/v2/status`, version: { path: 'version' } }];
  return [
    { ...rest, component, type: 'http', url: `${base}/healthz`, body: { equals: 'healthy' } },
    {
      ...rest,
      component,
      type: 'http',
      name: `${probe.name} status`,
      url: `${base}/api/status`,
      version: { path: 'version.number' },
    },
  ];
}

function scheduleOf(own: ScheduleSettings, defaults: ScheduleSettings = {}): Schedule {
  return {
    intervalMs: own.interval ?? defaults.interval ?? DEFAULTS.intervalMs,
    timeoutMs: own.timeout ?? defaults.timeout ?? DEFAULTS.timeoutMs,
    retries: own.retries ?? defaults.retries ?? DEFAULTS.retries,
    retryPauseMs: own.retry_pause ?? defaults.retry_pause ?? DEFAULTS.retryPauseMs,
    jitter: own.jitter ?? defaults.jitter ?? DEFAULTS.jitter,
    failures: own.failures ?? defaults.failures ?? DEFAULTS.failures,
    successes: own.successes ?? defaults.successes ?? DEFAULTS.successes,
    window: own.window ?? defaults.window ?? DEFAULTS.window,
  };
}

/** Settings that must never be shown, wherever they occur. A probe's URL is its target, so it is shown. */
const SECRET_SETTINGS: ReadonlySet<string> = new Set(['password', 'secret', 'api_key']);

function secretsIn(node: unknown, name = '', within: readonly string[] = []): readonly string[] {
  if (typeof node === 'string') {
    if (SECRET_SETTINGS.has(name) || within.includes('headers')) return [node];
    if (name !== 'url') return [];
    // There may be several brokers.
    const urls = /^amqps?:/i.test(node) ? parseAmqpUrls(node) : [node];
    const passwords = urls.map((url) => new URL(url).password).filter((password) => password !== '');
    return [
      ...(within.includes('notify') ? [node] : []),
      ...passwords.flatMap((password) => [password, decodeURIComponent(password)]),
    ];
  }
  if (typeof node !== 'object' || node === null) return [];
  return Object.entries(node).flatMap(([key, child]) => secretsIn(child, key, [...within, name]));
}

type Named = readonly { readonly name: string }[];

function twice(list: string, items: Named): readonly Problem[] {
  const seen = new Set<string>();
  return items.flatMap(({ name }) => {
    if (!seen.has(name)) {
      seen.add(name);
      return [];
    }
    return [{ path: list, message: `has two called "${name}"; each name must be unique` }];
  });
}

/** The name under which notifiers select extractors, as among probes. */
export const EXTRACTORS = 'extractors';

function unknownProbes(notifiers: readonly PlannedNotifier[], probes: Named): readonly Problem[] {
  const names = probes.map((probe) => probe.name);
  return notifiers.flatMap((notifier, index) =>
    (notifier.probes ?? [])
      .filter((name) => !names.includes(name))
      .map((name) => ({
        path: `notify[${index}].probes`,
        message: `names "${name}", which is not a probe; it may be ${names.join(', ')}`,
      })),
  );
}
