import { blankUrls } from '../../runtime/config/blank.ts';
import { textOf, type Environment } from '../../runtime/config/source.ts';
import { entriesOf } from '../../runtime/config/values.ts';
import { isLoopbackHost } from '../keys/auth.ts';

/** Which of its own telemetry the collector sends, from the standard OTEL_* variables. */
export interface SelfTelemetrySettings {
  readonly traces: boolean;
  /** Exporters of metrics; none if metrics are not sent. */
  readonly metrics: readonly MetricsExporter[];
  readonly protocol: OtlpProtocol;
  readonly exportIntervalMs: number;
  readonly exportTimeoutMs: number;
  /** Warnings for the operator, one sentence each. */
  readonly warnings: readonly string[];
}

export type MetricsExporter = 'otlp' | 'console';

const PROTOCOLS = ['http/protobuf', 'http/json', 'grpc'] as const;
export type OtlpProtocol = (typeof PROTOCOLS)[number];

/** Where this collector listens. Port 0 stands for a port that is not known yet. */
export interface OwnAddress {
  readonly host: string;
  readonly ports: readonly (number | 'off')[];
}

const ENDPOINT = 'OTEL_EXPORTER_OTLP_ENDPOINT';
const INTERVAL_MS = 60_000;
const TIMEOUT_MS = 30_000;

/**
 * Reads the OTEL_* variables (OTel specification, "Environment Variable Specification"). A signal is sent only if an
 * endpoint is named for it, because the SDK's default endpoint would be this collector. Nothing is sent to this collector
 * itself, which would only ignore it.
 */
export function selfTelemetrySettings(environment: Environment, own: OwnAddress): SelfTelemetrySettings {
  const read = (name: string): string | undefined => textOf(environment, name);
  const disabled = read('OTEL_SDK_DISABLED')?.toLowerCase() === 'true';
  const warnings: string[] = [];
  const isSent = (signal: 'TRACES' | 'METRICS'): boolean => {
    const name =
      read(`OTEL_EXPORTER_OTLP_${signal}_ENDPOINT`) === undefined ? ENDPOINT : `OTEL_EXPORTER_OTLP_${signal}_ENDPOINT`;
    const endpoint = read(name);
    if (disabled || endpoint === undefined) return false;
    if (entriesOf(read(`OTEL_${signal}_EXPORTER`)).includes('none')) return false;
    if (!isOwn(endpoint, own)) return true;
    warnings.push(
      `${name} was ${blankUrls(endpoint)}: that is this collector itself, so its own ${signal.toLowerCase()} are not sent`,
    );
    return false;
  };
  const traces = isSent('TRACES');
  const metrics = isSent('METRICS') ? metricsExporters(entriesOf(read('OTEL_METRICS_EXPORTER')), warnings) : [];
  const exportIntervalMs = positive(read('OTEL_METRIC_EXPORT_INTERVAL')) ?? INTERVAL_MS;
  return {
    traces,
    metrics,
    protocol: protocolOf(read('OTEL_EXPORTER_OTLP_METRICS_PROTOCOL') ?? read('OTEL_EXPORTER_OTLP_PROTOCOL'), warnings),
    exportIntervalMs,
    exportTimeoutMs: Math.min(exportIntervalMs, positive(read('OTEL_METRIC_EXPORT_TIMEOUT')) ?? TIMEOUT_MS),
    warnings,
  };
}

function metricsExporters(names: readonly string[], warnings: string[]): readonly MetricsExporter[] {
  if (names.length === 0) return ['otlp'];
  const known = new Set<MetricsExporter>();
  for (const name of names) {
    if (name === 'otlp' || name === 'console') known.add(name);
    else
      warnings.push(
        `OTEL_METRICS_EXPORTER was ${blankUrls(name)}: it may be otlp, console or none; Prometheus reads /metrics`,
      );
  }
  return [...known];
}

function protocolOf(given: string | undefined, warnings: string[]): OtlpProtocol {
  const protocol = PROTOCOLS.find((one) => one === given);
  if (protocol === undefined && given !== undefined)
    warnings.push(
      `OTEL_EXPORTER_OTLP_PROTOCOL was ${blankUrls(given)}: it may be ${PROTOCOLS.join(', ')}; using http/protobuf`,
    );
  return protocol ?? 'http/protobuf';
}

function positive(value: string | undefined): number | undefined {
  const number = Number(value);
  return number > 0 && Number.isFinite(number) ? number : undefined;
}

const ANY = new Set(['0.0.0.0', '::']);

/** Whether a URL leads back to this collector, judging by its text alone. */
function isOwn(endpoint: string, own: OwnAddress): boolean {
  if (!URL.canParse(endpoint)) return false;
  const { hostname, port, protocol } = new URL(endpoint);
  const host = hostname.replace(/^\[|\]$/g, '');
  if (!own.ports.includes(Number(port || (protocol === 'https:' ? 443 : 80)))) return false;
  return host === own.host || (isLoopbackHost(host) && (ANY.has(own.host) || isLoopbackHost(own.host)));
}
