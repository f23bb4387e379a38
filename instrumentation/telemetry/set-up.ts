import { logs, metrics, propagation, trace, type Logger, type Meter, type Tracer } from '@opentelemetry/api';
import { getBooleanFromEnv, getStringListFromEnv } from '@opentelemetry/core';
import type { Instrumentation } from '@opentelemetry/instrumentation';
import { observeStats } from '../enrichment/stats.ts';
import type { Enricher } from '../enrichment/types.ts';
import { trustsNobody, type TrustsCaller } from './caller.ts';
import { startConfiguredSdk, type ConfiguredSdk } from './config-file.ts';
import { createEncodedTelemetry, type EncodedTelemetry } from './otlp/encoded-telemetry.ts';
import { encodedSample } from './otlp/suitable.ts';
import { detectedResource } from './resource.ts';
import { SCOPE } from './scope.ts';
import { FLUSH_TIMEOUT_MS, hasSdk, joinSdk, startSdk } from './sdk.ts';
import type { Delivery } from './retrying-sender.ts';
import { sendAtExit } from './send-at-exit.ts';
import type { ServerTelemetry } from './server-request.ts';
import { captureErrors, createServerTelemetry } from './server-telemetry.ts';
import { errorText } from '../../runtime/error-text.ts';

export interface TelemetryOptions {
  /** `service.name` if neither OTEL_SERVICE_NAME nor OTEL_RESOURCE_ATTRIBUTES gives one. @default the SDK's own */
  readonly serviceName?: string;
  readonly instrumentations?: readonly Instrumentation[];
  /** The SDK from OTEL_CONFIG_FILE, if the caller has started it. @default started here */
  readonly configured?: ConfiguredSdk | undefined;
  /** Whose traces our server continues. @default nobody's */
  readonly trusts?: TrustsCaller;
  /** Adds to the events of our server. @default nothing is added */
  readonly enricher?: Enricher | undefined;
  /** Called with a sentence that the operator should read. @default a line on standard error */
  readonly log?: (message: string) => void;
}

/** The SDK of this process. */
export interface Telemetry {
  /** For our own servers. Unless the environment asks for something unusual, it encodes OTLP itself, without the SDK. */
  readonly server: ServerTelemetry;
  readonly tracer: Tracer;
  readonly logger: Logger;
  readonly meter: Meter;
  /** Whether the process already had an SDK. */
  readonly joined: boolean;
  /** The state of sending domain events, for each of their exporters. */
  deliveries(): readonly Delivery[];
  /** Sends what is waiting; resolves when it is sent, or after the time-out. Never rejects. */
  flush(): Promise<void>;
  /** Sends the SDK's waiting domain events while blocking the program, at its exit. Never throws. */
  flushSync(): void;
  /** Flushes and stops; resolves after the time-out at the latest. Never rejects. */
  shutdown(): Promise<void>;
}

/**
 * Starts the OTel SDK from the standard OTEL_* variables: resource detection, exporters (OTLP, http/protobuf by default),
 * sampler and propagators. Domain events are sent separately, and secrets are removed from all spans. If the process already
 * has an SDK, or OTEL_CONFIG_FILE sets one up, only the instrumentations are added to it. With OTEL_SDK_DISABLED=true nothing
 * is recorded, and everything here does nothing.
 *
 * @throws Error if OTEL_CONFIG_FILE names a file that sets up no tracer
 */
export function setUpTelemetry(options: TelemetryOptions = {}): Telemetry {
  const log = options.log ?? logToStderr;
  const instrumentations = [...(options.instrumentations ?? [])];
  const configured = options.configured ?? startConfiguredSdk();
  const resource = detectedResource(options.serviceName);
  const sdk = hasSdk() ? joinSdk(instrumentations, resource, log) : startSdk(instrumentations, resource, log);
  const tracer = trace.getTracer(SCOPE);
  const logger = logs.getLogger(SCOPE);
  const meter = metrics.getMeter(SCOPE);
  const onError = (error: unknown): void => log(`a request could not be reported: ${errorText(error)}`);
  const { enricher, trusts = trustsNobody } = options;
  if (enricher !== undefined) observeStats(meter, enricher.stats);
  let encoded: EncodedTelemetry | undefined;
  let server: ServerTelemetry | undefined;
  const createServer = (): ServerTelemetry => {
    const bySdk = createServerTelemetry({
      tracer,
      logger,
      meter,
      onError,
      enricher,
      trusts,
      ...(speaksW3c() ? {} : { propagator: propagation }),
    });
    const sample = sdk.joined || getBooleanFromEnv('OTEL_SDK_DISABLED') ? undefined : encodedSample();
    if (sample === undefined) return bySdk;
    const errors = captureErrors(meter);
    const adopt: ServerTelemetry['adopt'] = (...args) => bySdk.adopt(...args);
    encoded = createEncodedTelemetry({ resource, log, sample, trusts, errors, onError, adopt, enricher });
    return encoded.server;
  };
  let stopped: Promise<void> | undefined;
  return {
    get server() {
      server ??= createServer();
      return server;
    },
    tracer,
    logger,
    meter,
    joined: sdk.joined,
    deliveries: () => [...(encoded ? [encoded] : sdk.domainEvents)].map(({ delivery }) => delivery),
    flush: () => {
      enricher?.release();
      return settled(
        [...sdk.processors, ...(encoded ? [encoded] : []), ...(configured ? [configured] : [])].map((part) =>
          part.forceFlush(),
        ),
      );
    },
    flushSync: () => {
      enricher?.release();
      for (const processor of sdk.domainEvents) processor.sendRemaining(sendAtExit);
    },
    shutdown: () => {
      enricher?.release();
      return (stopped ??= settled([
        encoded?.shutdown() ?? Promise.resolve(),
        sdk.shutdown().then(() => configured?.shutdown()),
      ]));
    },
  };
}

/** Whether OTEL_PROPAGATORS includes the W3C trace context, as it does by default. */
function speaksW3c(): boolean {
  return (getStringListFromEnv('OTEL_PROPAGATORS') ?? ['tracecontext']).includes('tracecontext');
}

/** Waits for all, whether they succeed or fail, but only for a limited time. */
async function settled(work: readonly Promise<unknown>[]): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, FLUSH_TIMEOUT_MS + 1000);
  void Promise.allSettled(work).then(() => resolve());
  await promise;
  clearTimeout(timer);
}

export function logToStderr(message: string): void {
  process.stderr.write(`clowder-otel: ${message}\n`);
}
