import type { DeliverySettings } from '../delivery/delivery.ts';
import type { CommonSettings } from '../settings/common.ts';
import type { ConfiguredSink } from '../settings/load.ts';
import type { BatchLimits } from '../sink.ts';

const FIRST_PAUSE_MS = 500;
const OPEN_AFTER_FAILURES = 5;
/** Longest pause that a service may ask for; it may exceed our own longest pause. */
const RETRY_AFTER_MAX_MS = 10 * 60_000;

/** Returns how to deliver a sink's events, from its settings. */
export function deliverySettings({
  linger_ms: lingerMs,
  timeout_s,
  rate,
  retry_max_s,
}: CommonSettings): DeliverySettings {
  const longestMs = retry_max_s * 1000;
  return {
    lingerMs,
    timeoutMs: timeout_s * 1000,
    ratePerS: rate ?? Number.POSITIVE_INFINITY,
    retry: {
      firstMs: Math.min(FIRST_PAUSE_MS, longestMs),
      longestMs,
      retryAfterMaxMs: RETRY_AFTER_MAX_MS,
      openAfter: OPEN_AFTER_FAILURES,
      openMs: longestMs,
    },
  };
}

/** Returns the service's limits, or the operator's if they are lower. */
export function limitsOf({ definition, config, common }: ConfiguredSink): BatchLimits {
  const limits = definition.limits(config);
  return { ...limits, maxEvents: Math.min(limits.maxEvents, common.batch_events ?? limits.maxEvents) };
}
