import type { Command } from 'commander';
import { isUnset } from '../runtime/config/source.ts';
import { createLog, type Logger } from '../runtime/logging.ts';
import { startCapture } from '../instrumentation/capture/start-capture.ts';
import { proxyEnricher } from '../proxy/enrichment.ts';
import { startProxy, type RunningProxy } from '../proxy/proxy.ts';
import { parseProxySettings } from '../proxy/settings.ts';
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
  // The SDK reads its own settings from the environment.
  const forSdk: Record<string, unknown> = { OTEL_EXPORTER_OTLP_ENDPOINT: DEFAULT_OTLP_ENDPOINT, ...file };
  for (const [name, value] of Object.entries(forSdk))
    if (name.startsWith('OTEL_') && isUnset(process.env[name])) process.env[name] = String(value);
  const enricher = await proxyEnricher(settings);
  const trustForwarded = settings.PROXY_X_FORWARDED === 'append' || settings.PROXY_FORWARDED === 'append';
  const telemetry = setUpTelemetry({
    serviceName: SERVICE,
    trusts: trustsCaller(entriesOf(settings.TRUSTED_PROXIES), trustForwarded),
    log: (message) => log.warn(message),
    enricher,
  });
  const options = {
    clowder: settings.CLOWDER_VERSION,
    contextPath: settings.CLOWDER_CONTEXT.replace(/\/+$/, ''),
    instance: settings.CLOWDER_INSTANCE,
    trustForwarded,
  };
  const proxy = await startProxy({
    settings,
    observer: { telemetry: telemetry.server, startCapture: (head) => startCapture(head, options) },
    log,
    enrichment: enricher?.stats,
    deliveries: () => telemetry.deliveries(),
  });
  stopOnSignal(async () => {
    await proxy.stop();
    await telemetry.shutdown();
  }, log);
  process.on('SIGHUP', () => reloadTls(proxy, log));
}

function reloadTls(proxy: RunningProxy, log: Logger): void {
  try {
    if (proxy.reloadTls()) log.info('certificate and key were read again');
  } catch (error) {
    log.error({ err: error }, 'certificate and key could not be read again: the old ones stay');
  }
}
