import { logs, metrics, trace } from '@opentelemetry/api';
import { getStringFromEnv } from '@opentelemetry/core';
import { startNodeSdk } from '#otel-sdk';
import { hasSdk } from './sdk.ts';

/** An SDK set up by a declarative configuration file. We join it like any other SDK, and stop it with ours. */
export interface ConfiguredSdk {
  forceFlush(): Promise<void>;
  shutdown(): Promise<void>;
}

/**
 * Starts the SDK from the file that OTEL_CONFIG_FILE names (OTel specification, "Declarative configuration"). The other OTEL_*
 * variables are then ignored.
 *
 * @returns undefined if no file is named or an SDK is already registered
 * @throws Error if the file sets up no tracer: falling back to other settings would ignore it
 */
export function startConfiguredSdk(): ConfiguredSdk | undefined {
  const file = getStringFromEnv('OTEL_CONFIG_FILE');
  if (file === undefined || hasSdk()) return undefined;
  // The SDK itself reports what is wrong with a file.
  const sdk = startNodeSdk();
  if (!hasSdk())
    throw new Error(
      `OTEL_CONFIG_FILE ${file} sets up no tracer: it cannot be read, is wrong, disabled, or has no tracer_provider. Correct it, or unset OTEL_CONFIG_FILE and use the other OTEL_* names`,
    );
  return {
    forceFlush: async () => {
      await Promise.allSettled(providers().map(async (provider) => provider.forceFlush?.()));
    },
    shutdown: () => sdk.shutdown(),
  };
}

interface Provider {
  forceFlush?(): Promise<void>;
}

/** The globally registered providers; the API's types do not include flushing. */
function providers(): readonly Provider[] {
  const tracers = trace.getTracerProvider();
  const behind: unknown = 'getDelegate' in tracers && typeof tracers.getDelegate === 'function' ? tracers.getDelegate() : tracers; // prettier-ignore
  return [behind, logs.getLoggerProvider(), metrics.getMeterProvider()].flatMap((one) =>
    typeof one === 'object' && one !== null ? [one as Provider] : [],
  );
}
