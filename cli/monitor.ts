import { readFileSync } from 'node:fs';
import { adminPages } from '../monitor/admin.ts';
import { EXTRACTORS, type MonitorConfig } from '../monitor/config/config.ts';
import { monitorJsonSchema } from '../monitor/config/json-schema.ts';
import { loadMonitorConfig } from '../monitor/config/load.ts';
import { planOf } from '../monitor/config/plan.ts';
import { startExtractors } from '../monitor/extractors/extractors.ts';
import { startMonitor } from '../monitor/monitor.ts';
import { waitForTurn, type Pair } from '../monitor/pair.ts';
import { turnOf } from '../monitor/probe-runner.ts';
import { createProbe } from '../monitor/probes/create-probe.ts';
import type { Reading } from '../monitor/reading.ts';
import { startTelemetry } from '../monitor/telemetry/telemetry.ts';
import { startAdmin } from '../runtime/admin.ts';
import { readTls } from '../runtime/amqp/connection.ts';
import { createLog, type Logger } from '../runtime/logging.ts';
import { useOutgoingProxy } from '../runtime/outgoing-proxy.ts';
import { VERSION } from '../runtime/version.ts';
import { printRows } from './output.ts';
import type { GlobalOptions } from './global-options.ts';
import { stopOnSignal } from '../runtime/stop-on-signal.ts';

const DEFAULT_CONFIG = 'monitor.yaml';
/** Time to send what waits after SIGTERM; the rest goes out after the next start. */
const FLUSH_MS = 3000;

function configOf({ config = DEFAULT_CONFIG }: GlobalOptions): MonitorConfig {
  useOutgoingProxy(process.env);
  return loadMonitorConfig(config, process.env);
}

/** `monitor`: runs until SIGTERM or SIGINT. */
export async function runMonitor(options: GlobalOptions): Promise<void> {
  const config = configOf(options);
  const log = await createLog('clowder-otel-monitor', { level: config.logLevel, format: config.logFormat });
  const telemetry = startTelemetry({
    spoolDir: config.spoolDir,
    spoolMaxBytes: config.spoolMaxBytes,
    instance: config.instance,
    version: VERSION,
    otlp: config.telemetry,
    metricIntervalMs: config.telemetry.metric_interval,
    environment: process.env,
    log,
  });
  let working: ReturnType<typeof work> | undefined;
  const begin = (): void => {
    working = work(config, telemetry, log);
  };
  const admin =
    config.admin &&
    (await startAdmin(
      { ...config.admin, setting: 'MONITOR_ADMIN' },
      adminPages(() => working?.latest() ?? [], telemetry.stats),
    ));
  log.info({ probes: config.probes.length, notifiers: config.notify.length, admin: admin?.url }, 'monitoring');
  const stop = async (): Promise<void> => {
    await Promise.all([working?.stop(), pair?.stop()]);
    await admin?.close();
    await telemetry.shutdown(FLUSH_MS);
  };
  const pair = config.pair && takeTurns(config.pair, log, begin, stop);
  if (pair === undefined) begin();
  stopOnSignal(stop, log);
}

/** Takes turns with the other monitors of a pair. @param stop ends what `begin` started */
function takeTurns(
  { urls, ca_file: ca }: NonNullable<MonitorConfig['pair']>,
  log: Logger,
  begin: () => void,
  stop: () => Promise<void>,
): Pair {
  return waitForTurn({
    urls,
    tls: readTls({ ca }, readFileSync),
    log,
    onTurn: begin,
    onOther: () => {
      log.error('another monitor is active now: this one ends, and stands by after a restart');
      void stop().finally(() => process.exit(1));
    },
  });
}

/** Runs probes, notifiers and the view of extractors until stopped. */
function work(config: MonitorConfig, telemetry: ReturnType<typeof startTelemetry>, log: Logger) {
  const monitor = startMonitor({ config, telemetry, log });
  const extractors =
    config.extractors &&
    startExtractors({
      ...telemetry,
      settings: config.extractors,
      follow: (reading, atMs) => monitor.follow({ ...reading, part: EXTRACTORS, measures: {} }, atMs),
      followed: monitor.followed(EXTRACTORS),
      dataDir: config.spoolDir,
      version: VERSION,
      log,
    });
  return {
    latest: monitor.latest,
    stop: async (): Promise<void> => void (await Promise.all([monitor.stop(), extractors?.stop()])),
  };
}

/** `monitor check` */
export function checkMonitor(options: GlobalOptions): void {
  const plan = planOf(configOf(options));
  for (const rows of [plan.probes, plan.notify, plan.extractors]) {
    const [first] = rows;
    if (first !== undefined) printRows(rows, Object.keys(first));
  }
}

/** `monitor once`: runs every probe once. @throws Error if something is down */
export async function monitorOnce(options: GlobalOptions): Promise<void> {
  const { probes } = configOf(options);
  const never = new AbortController().signal;
  const turns = probes.map(async (settings) => {
    const readings = await turnOf(createProbe(settings), settings.schedule, never);
    return readings.map((reading) => rowOf(settings.name, reading));
  });
  const rows = (await Promise.all(turns)).flat();
  printRows(rows, [
    'probe',
    'target',
    'state',
    'ms',
    'status_code',
    'tls_days_left',
    'queue_length',
    'version',
    'error',
  ]);
  const down = rows.filter((row) => row['state'] === 'down').length;
  if (down > 0) throw new Error(`${down} of ${rows.length} are down`);
}

function rowOf(
  probe: string,
  { target, healthy, error, measures }: Reading,
): Record<string, string | number | boolean | undefined> {
  const { response_time_ms: ms, ...rest } = measures;
  return { probe, target, state: healthy ? 'up' : 'down', ms, ...rest, error };
}

/** `monitor schema` */
export function printMonitorSchema(): void {
  process.stdout.write(`${JSON.stringify(monitorJsonSchema(), undefined, 2)}\n`);
}
