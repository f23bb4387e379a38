import { readFileSync } from 'node:fs';
import { amqpTls, checkBrokers } from '../runtime/amqp/broker-settings.ts';
import { ConfigError } from '../runtime/config/config-error.ts';
import { readConfigFile } from '../runtime/config/file.ts';
import { createLog } from '../runtime/logging.ts';
import { DEFAULT_AMQP_URL, parseAmqpUrls } from '../runtime/amqp/amqp-url.ts';
import { withBroker, type BrokerAccess } from '../sinks/queue/broker.ts';
import { listDeadLetters, replayDeadLetters } from '../sinks/queue/dead-letters.ts';
import { SINKS } from '../sinks/registry.ts';
import { checkSink } from '../sinks/running/check.ts';
import { startSinks } from '../sinks/running/start.ts';
import { loadSinks, type ConfiguredSink } from '../sinks/settings/load.ts';
import { useOutgoingProxy } from '../runtime/outgoing-proxy.ts';
import { loadProcessSettings, PROCESS_SETTINGS, type ProcessSettings } from '../sinks/settings/process.ts';
import { printRows } from './output.ts';
import { progress } from './progress.ts';
import type { GlobalOptions } from './global-options.ts';
import { fileOf, printSettingRows, settingRows } from './setting-rows.ts';
import { UsageError } from './settings.ts';
import { stopOnSignal } from '../runtime/stop-on-signal.ts';

const SERVICE = 'clowder-otel-sink';

interface Loaded {
  readonly settings: ProcessSettings;
  readonly sinks: readonly ConfiguredSink[];
  readonly broker: BrokerAccess;
}

/** `sink [NAME…]`: runs until SIGTERM or SIGINT, then finishes what is in flight and exits 0. */
export async function runSinks(options: GlobalOptions, names: readonly string[]): Promise<void> {
  const loaded = load(options);
  const sinks = chosen(loaded, names);
  const { settings, broker } = loaded;
  const log = await createLog(SERVICE, { level: settings.LOG_LEVEL, format: settings.LOG_FORMAT });
  const running = await startSinks({
    sinks,
    ...broker,
    hashSecret: settings.SINK_HASH_SECRET,
    admin: settings.SINK_ADMIN,
    log,
  });
  stopOnSignal(() => running.stop(), log);
}

/** `sink list`: every kind of sink, and whether it is configured. */
export function listSinks(options: GlobalOptions): void {
  const { sinks } = load(options);
  printRows(
    SINKS.map(({ name, description, thirdParty, variables }) => {
      const configured = sinks.find(({ definition }) => definition.name === name);
      return {
        name,
        configured: configured !== undefined,
        'third party': configured?.thirdParty ?? thirdParty,
        description,
        variables: Object.keys(variables).join(' '),
      };
    }),
    ['name', 'configured', 'third party', 'description', 'variables'],
  );
}

/** `config check sink`: the settings of the process, then those of each configured sink. */
export function printSinkSettings(options: GlobalOptions): void {
  const { settings, sinks } = load(options);
  const { config } = options;
  const { sinks: section = {} } = fileOf(config);
  const ofProcess = settingRows({
    config,
    settings: PROCESS_SETTINGS,
    values: { AMQP_URL: DEFAULT_AMQP_URL, ...settings },
  });
  const ofSinks = sinks.flatMap(({ definition: { name, variables }, config: own }) => {
    const byVariable = (given: unknown): Record<string, unknown> =>
      Object.fromEntries(Object.entries(variables).map(([variable, setting]) => [variable, memberOf(given, setting)]));
    return settingRows({
      config,
      settings: Object.entries(variables).map(([variable, setting]) => ({
        name: variable,
        description: `${setting} of the sink ${name}`,
      })),
      values: byVariable(own),
      inFile: byVariable(memberOf(section, name)),
    });
  });
  printSettingRows([...ofProcess, ...ofSinks]);
}

const memberOf = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;

/** `sink check [NAME…]`: a dry run of each sink. @throws Error if one fails */
export async function checkSinks(options: GlobalOptions, names: readonly string[]): Promise<void> {
  const loaded = load(options);
  const log = await createLog(SERVICE, { level: 'warn', format: loaded.settings.LOG_FORMAT }, 'stderr');
  const context = { log, now: () => Date.now() };
  const results = await Promise.all(chosen(loaded, names).map((sink) => checkSink(sink, loaded.broker, context)));
  const rows = results.flat();
  printRows(
    rows.map(({ sink, part, ok, says }) => ({ sink, part, ok, says })),
    ['sink', 'part', 'ok', 'says'],
  );
  const failed = [...new Set(rows.filter(({ ok }) => !ok).map(({ sink }) => sink))];
  if (failed.length > 0) throw new Error(`Not ready: ${failed.join(', ')}`);
}

/** `sink dead NAME`: lists dead letters with their reasons. */
export async function listDead(options: GlobalOptions, name: string, { limit }: { limit: number }): Promise<void> {
  const { broker } = load(options);
  const letters = await withBroker(broker, ({ model }) => listDeadLetters(model, known(name), limit));
  printRows(
    letters.map(({ id, type, class: deadClass, reason, time }) => ({ id, type, class: deadClass, reason, time })),
    ['id', 'type', 'class', 'reason', 'time'],
  );
}

/** `sink replay NAME`: moves dead letters back to the sink's queue. */
export async function replayDead(options: GlobalOptions, name: string, { limit }: { limit?: number }): Promise<void> {
  const { broker } = load(options);
  const shown = progress('replayed');
  const { moved, left, reason } = await withBroker(broker, (opened) =>
    replayDeadLetters(opened, known(name), { limit: limit ?? Number.POSITIVE_INFINITY }, (so) => shown.update(so)),
  );
  shown.end();
  printRows([{ replayed: moved, ...(left > 0 && { left }) }], ['replayed', ...(left > 0 ? ['left'] : [])]);
  if (left > 0)
    throw new Error(`RabbitMQ does not take ${left} messages, which stay in the dead-letter queue: ${reason}`);
}

/** The whole configuration, checked together. @throws ConfigError */
function load({ config }: GlobalOptions): Loaded {
  useOutgoingProxy(process.env);
  const file = config === undefined ? {} : readConfigFile(config);
  const { settings, broker, problems: ofProcess } = loadProcessSettings(process.env, file);
  const { sinks, problems: ofSinks } = loadSinks({
    definitions: SINKS,
    environment: process.env,
    section: file['sinks'],
    canHash: settings?.SINK_HASH_SECRET !== undefined,
  });
  const problems = [...ofProcess, ...checkBrokers(broker), ...ofSinks];
  if (settings === undefined || problems.length > 0) throw ConfigError.of(problems);
  const { tls } = amqpTls(broker, (path) => readFileSync(path));
  return { settings, sinks, broker: { urls: parseAmqpUrls(broker.AMQP_URL), tls } };
}

/** The named sinks, or all if none is named. @throws UsageError */
function chosen({ sinks }: Loaded, names: readonly string[]): readonly ConfiguredSink[] {
  if (names.length === 0) {
    if (sinks.length > 0) return sinks;
    const example = SINKS.map(({ name, variables }) => `${name} (${Object.keys(variables)[0]})`).join(', ');
    throw new UsageError(
      `No sink is configured: set a variable of one, or give a --config file with a section "sinks". There are ${example}`,
    );
  }
  return names.map((name) => {
    const sink = sinks.find(({ definition }) => definition.name === known(name));
    if (sink !== undefined) return sink;
    const variables = Object.keys(SINKS.find((one) => one.name === name)?.variables ?? {});
    throw new UsageError(`${name} is not configured: set ${variables[0]}, or sinks.${name} in the --config file`);
  });
}

function known(name: string): string {
  if (SINKS.some((one) => one.name === name)) return name;
  throw new UsageError(`There is no sink ${name}: there are ${SINKS.map((one) => one.name).join(', ')}`);
}
