import type { Command } from 'commander';
import { isUnset } from '../runtime/config/source.ts';
import { createLog, type Logger } from '../runtime/logging.ts';
import { startCapture } from '../instrumentation/capture/start-capture.ts';
import type { CaptureOptions } from '../instrumentation/capture/types.ts';
import { proxyEnricher } from '../proxy/enrichment.ts';
import { startProxy, type RunningProxy } from '../proxy/proxy.ts';
import { parseProxySettings, type ProxySettings } from '../proxy/settings.ts';
import { shareOf } from '../proxy/workers/share.ts';
import { joinPrimary, workerPort } from '../proxy/workers/worker.ts';
import { entriesOf } from '../runtime/config/values.ts';
import { trustsCaller } from '../instrumentation/telemetry/caller.ts';
import { setUpTelemetry } from '../instrumentation/telemetry/set-up.ts';
import type { GlobalOptions } from './global-options.ts';
import { DEFAULT_OTLP_ENDPOINT, flagValues } from './proxy-flags.ts';
import { stopOnSignal } from '../runtime/stop-on-signal.ts';

const SERVICE = 'clowder-otel-proxy';

/** `proxy`: runs until SIGTERM or SIGINT, then finishes what is in flight and exits 0. */
export async function runProxy({ config }: GlobalOptions, command: Command): Promise<void> {
  const file: Record<string, unknown> =
    config === undefined ? {} : (await import('../runtime/config/file.ts')).readConfigFile(config);
  const settings = parseProxySettings({ ...process.env, ...flagValues(command) }, file);
  const log = await createLog(SERVICE, { level: settings.LOG_LEVEL, format: settings.LOG_FORMAT });
  tellSdk({ OTEL_EXPORTER_OTLP_ENDPOINT: DEFAULT_OTLP_ENDPOINT, ...file });
  const workers = settings.PROXY_WORKERS;
  const port = workerPort();
  if (workers > 1 && port === undefined) return runPrimary(settings, workers, log);
  const enricher = await proxyEnricher(settings);
  const trustForwarded = settings.PROXY_X_FORWARDED === 'append' || settings.PROXY_FORWARDED === 'append';
  const telemetry = setUpTelemetry({
    serviceName: SERVICE,
    trusts: trustsCaller(entriesOf(settings.TRUSTED_PROXIES), trustForwarded),
    log: (message) => log.warn(message),
    enricher,
  });
  const options: CaptureOptions = {
    source: 'proxy',
    clowder: settings.CLOWDER_VERSION,
    contextPath: settings.CLOWDER_CONTEXT.replace(/\/+$/, ''),
    instance: settings.CLOWDER_INSTANCE,
    trustForwarded,
  };
  const proxy = await startProxy({
    settings: port === undefined ? settings : shareOf(settings, workers, port),
    sharesAddress: port !== undefined,
    observer: { telemetry: telemetry.server, startCapture: (head) => startCapture(head, options) },
    log,
    enrichment: enricher?.stats,
    deliveries: () => telemetry.deliveries(),
  });
  const stop = async (): Promise<void> => {
    await proxy.stop();
    await telemetry.shutdown();
  };
  const end = stopOnSignal(stop, log);
  process.on('SIGHUP', () => reloadTls(proxy, log));
  if (port !== undefined) joinPrimary(proxy, end);
}

/** The SDK reads its settings from the environment only. */
function tellSdk(values: Readonly<Record<string, unknown>>): void {
  for (const [name, value] of Object.entries(values))
    if (name.startsWith('OTEL_') && isUnset(process.env[name])) process.env[name] = String(value);
}

/** Starts the workers, each a proxy of its own. This process hands them connections and reports on them all. */
async function runPrimary(settings: ProxySettings, workers: number, log: Logger): Promise<void> {
  const { startWorkers, WorkerError } = await import('../proxy/workers/primary.ts');
  const running = await startWorkers({ workers, settings, log }).catch((error: unknown) => {
    // The worker has already printed its error.
    if (error instanceof WorkerError) process.exit(error.exitCode);
    throw error;
  });
  stopOnSignal(() => running.stop(), log);
  process.on('SIGHUP', () => running.reloadTls());
}

function reloadTls(proxy: RunningProxy, log: Logger): void {
  try {
    if (proxy.reloadTls()) log.info('certificate and key were read again');
  } catch (error) {
    log.error({ err: error }, 'certificate and key could not be read again: the old ones stay in use');
  }
}
