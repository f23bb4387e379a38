import { isHealthMetric, mapMetricPoints } from '../../taxonomy/map-metrics.ts';
import { mapLog, mapSpan } from '../../taxonomy/map.ts';
import { isEventRoute } from '../../taxonomy/routes/match.ts';
import type { Candidate, MapResult, Rejection } from '../../taxonomy/map/candidate.ts';
import type { MapContext } from '../../taxonomy/map/context.ts';
import type { LogRecord, MetricPoint, SpanRecord } from '../../taxonomy/telemetry.ts';
import type { AccessRecord } from '../connections/access-line.ts';
import type { ConnectionCounter } from '../connections/connection-counter.ts';
import type { Intake } from './intake.ts';
import type { CollectorMetrics } from '../metrics.ts';

/** The records of one OTLP request that may be events; `seen` counts all of them. */
export type TelemetryBatch =
  | { readonly signal: 'traces'; readonly records: readonly SpanRecord[]; readonly seen: number }
  | {
      readonly signal: 'logs';
      readonly records: readonly LogRecord[];
      /** All records of access logs, for health.connections. */
      readonly access?: readonly AccessRecord[];
      readonly seen: number;
    }
  | { readonly signal: 'metrics'; readonly records: readonly MetricPoint[]; readonly seen: number };

/**
 * What the decoders ask before they decode a record.
 *
 * @param accessLog whether all records of access logs are counted
 */
export function createScreen(context: MapContext, accessLog = false) {
  return {
    request: (method: string, path: string) => isEventRoute(method, path, context),
    metric: isHealthMetric,
    accessLog,
  };
}

/**
 * Maps one batch and journals what it amounts to.
 *
 * @param connections counts access logs; undefined where that is off
 * @returns how many explicit events were rejected for good, and why, for OTLP's `partial_success`
 */
export async function acceptTelemetry(
  batch: TelemetryBatch,
  context: MapContext,
  intake: Intake,
  metrics: CollectorMetrics,
  connections?: ConnectionCounter,
): Promise<{ rejected: number; message?: string }> {
  const candidates: Candidate[] = [];
  const rejected: Rejection[] = [];
  const refuted: string[] = [];
  let fruitful = 0;
  const gather = (result: MapResult): void => {
    if (result.candidates.length + result.rejected.length > 0) fruitful += 1;
    candidates.push(...result.candidates);
    rejected.push(...result.rejected);
    if (result.refuted !== undefined) refuted.push(...result.refuted);
  };
  if (batch.signal === 'traces') for (const span of batch.records) gather(mapSpan(span, context));
  else if (batch.signal === 'logs') for (const log of batch.records) gather(mapLog(log, context));
  else gather(mapMetricPoints(batch.records, context));
  const submitted = intake.submit(candidates, rejected, `otlp-${batch.signal}`, refuted);
  if (batch.signal === 'logs' && connections !== undefined)
    await Promise.all([submitted, connections.count(batch.access ?? [])]);
  else await submitted;
  metrics.received.inc({ signal: batch.signal }, batch.seen);
  metrics.ignored.inc(
    { signal: batch.signal },
    Math.max(0, batch.seen - (batch.signal === 'metrics' ? batch.records.length : fruitful)),
  );
  if (rejected.length === 0) return { rejected: 0 };
  const reasons = rejected.slice(0, 5).map((one) => one.message);
  return {
    rejected: rejected.length,
    message: reasons.join(' | ') + (rejected.length > 5 ? ` | and ${rejected.length - 5} more` : ''),
  };
}
