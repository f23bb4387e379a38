import { setImmediate as nextTurn } from 'node:timers/promises';
import {
  NOT_BELIEVED,
  type Candidate,
  type Denial,
  type MapResult,
  type Rejection,
} from '../../taxonomy/map/candidate.ts';
import type { MapContext } from '../../taxonomy/map/context.ts';
import { HealthReadings, isHealthMetric } from '../../taxonomy/map-metrics.ts';
import { mapLog, mapSpan } from '../../taxonomy/map.ts';
import { isEventRoute } from '../../taxonomy/routes/match.ts';
import type { MetricPoint, SpanRecord } from '../../taxonomy/telemetry.ts';
import { toAccessLine, type AccessLine, type AccessRecord } from '../connections/access-line.ts';
import type { ConnectionCounter } from '../connections/connection-counter.ts';
import { CollectorError } from '../errors.ts';
import type { CollectorMetrics } from '../self-telemetry/metrics.ts';
import type { ByteLease } from '../otlp/byte-budget.ts';
import type { LogSink, RecordSink } from '../otlp/decoding.ts';
import { maySpeakForCaptures, producerNow } from '../keys/sender.ts';
import type { Intake } from './intake.ts';

export type Signal = 'traces' | 'logs' | 'metrics';

/** Turns the records of one OTLP request into events. Nothing else of the records is kept. */
export interface TelemetryBatch {
  readonly spans: RecordSink<SpanRecord>;
  readonly logs: LogSink;
  readonly points: RecordSink<MetricPoint>;
  /**
   * Journals the events.
   *
   * @param seen how many records the request had in total
   * @returns how many records were rejected for good, and why, for OTLP's `partial_success`
   * @throws CollectorError journal_full or journal_unavailable
   */
  submit(seen: number): Promise<{ rejected: number; message?: string }>;
}

export interface TelemetryIntakeParts {
  readonly context: MapContext;
  readonly intake: Pick<Intake, 'submit'>;
  readonly metrics: CollectorMetrics;
  /** Counts access logs; undefined if that is off. */
  readonly connections?: ConnectionCounter | undefined;
  /** Called if the mapping fails on a record, which is a fault of ours. */
  readonly onFault?: (error: unknown) => void;
  /** Called if a request speaks for a capture with a key that may not. @param key the name of the key */
  readonly onNotBelieved?: (key: string | undefined) => void;
}

/** Events that one request may contain, as they are decided on together. */
const EVENTS_MAX = 20_000;
/** Bytes of the events of one request. */
const EVENT_BYTES_MAX = 64 * 1024 * 1024;
/** Rejected records of one request, and bytes of them, that are kept for an operator. Others are only counted. */
const REJECTED_KEPT = 1000;
const REJECTED_BYTES = 1024 * 1024;
const PINGS_A_TURN = 200;
const LINES_A_TURN = 2000;
/** Reasons that the answer lists. */
const REASONS_TOLD = 5;

/**
 * The checks that decoders make before they decode a record.
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

/** Begins the batch of one request. */
export function openBatch(signal: Signal, parts: TelemetryIntakeParts, lease: Pick<ByteLease, 'take'>): TelemetryBatch {
  return new Batch(signal, parts, lease);
}

class Batch implements TelemetryBatch {
  readonly spans: RecordSink<SpanRecord>;
  readonly logs: LogSink;
  readonly points: RecordSink<MetricPoint>;
  readonly #signal: Signal;
  readonly #parts: TelemetryIntakeParts;
  readonly #lease: Pick<ByteLease, 'take'>;
  readonly #candidates: Candidate[] = [];
  readonly #kept: Rejection[] = [];
  readonly #reasons: string[] = [];
  readonly #refuted: string[] = [];
  readonly #denied: Denial[] = [];
  readonly #warnings = new Set<string>();
  readonly #lines: AccessLine[] = [];
  readonly #readings: HealthReadings;
  #rejected = 0;
  #rejectedBytes = 0;
  #eventBytes = 0;
  #fruitful = 0;

  constructor(signal: Signal, parts: TelemetryIntakeParts, lease: Pick<ByteLease, 'take'>) {
    this.#signal = signal;
    this.#parts = parts;
    this.#lease = lease;
    const context = { ...parts.context, believesCaptures: maySpeakForCaptures() };
    this.#readings = new HealthReadings(context);
    const refuse = (reason: string): void => this.#refuse(reason);
    this.spans = { take: (span) => this.#map(span.name, () => mapSpan(span, context)), refuse };
    this.logs = {
      take: (log) => this.#map(log.eventName, () => mapLog(log, context)),
      access: (record) => this.#count(record),
      refuse,
    };
    this.points = { take: (point) => this.#read(point), refuse };
  }

  async submit(seen: number): Promise<{ rejected: number; message?: string }> {
    const { intake, connections, metrics } = this.#parts;
    const signal = this.#signal;
    for (const ping of this.#readings.pings()) {
      this.#gather(ping);
      if (this.#candidates.length % PINGS_A_TURN === 0) await nextTurn();
    }
    const submitted = intake.submit(this.#candidates, this.#kept, `otlp-${signal}`, {
      refuted: this.#refuted,
      denied: this.#denied,
    });
    await (connections === undefined ? submitted : Promise.all([submitted, countLines(connections, this.#lines)]));
    if (this.#warnings.has(NOT_BELIEVED)) this.#parts.onNotBelieved?.(producerNow());
    const untold = this.#rejected - this.#kept.length;
    if (untold > 0) metrics.rejected.inc({ origin: `otlp-${signal}` }, untold);
    metrics.received.inc({ signal }, seen);
    metrics.ignored.inc({ signal }, Math.max(0, seen - this.#fruitful));
    const more = this.#rejected - this.#reasons.length;
    const told = [...this.#reasons, ...(more > 0 ? [`and ${more} more`] : []), ...this.#warnings];
    return { rejected: this.#rejected, ...(told.length > 0 && { message: told.join(' | ') }) };
  }

  /** Maps one record. A failure affects no other record. */
  #map(name: string, map: () => MapResult): void {
    let result: MapResult;
    try {
      result = map();
    } catch (error) {
      this.#parts.onFault?.(error);
      this.#refuse(`A record ${JSON.stringify(name.slice(0, 100))} cannot be turned into an event: ${String(error)}`);
      return;
    }
    if (result.candidates.length + result.rejected.length > 0) this.#fruitful += 1;
    this.#gather(result);
  }

  #read(point: MetricPoint): void {
    this.#fruitful += 1;
    this.#readings.add(point);
    if (this.#readings.size > EVENTS_MAX) throw tooMany();
  }

  #count(record: AccessRecord): void {
    const line = toAccessLine(record, this.#parts.context);
    if (line !== undefined) this.#lines.push(line);
  }

  #refuse(reason: string): void {
    this.#fruitful += 1;
    this.#reject({ code: 'unreadable_record', message: reason, record: {} });
  }

  #gather({ candidates, rejected, refuted = [], denied = [], warnings = [] }: MapResult): void {
    for (const warning of warnings) if (this.#warnings.size < REASONS_TOLD) this.#warnings.add(warning);
    for (const candidate of candidates) this.#keep(candidate);
    for (const one of rejected) this.#reject(one);
    for (const id of refuted) this.#refuted.push(id);
    for (const one of denied) this.#denied.push(one);
  }

  /** @throws CollectorError batch_too_large, or busy */
  #keep(candidate: Candidate): void {
    const bytes = sizeOf(candidate.body);
    this.#eventBytes += bytes;
    if (this.#candidates.length === EVENTS_MAX || this.#eventBytes > EVENT_BYTES_MAX) throw tooMany();
    this.#lease.take(bytes);
    this.#candidates.push(candidate.stated === true ? { ...candidate, producer: producerNow() } : candidate);
  }

  #reject(rejection: Rejection): void {
    this.#rejected += 1;
    if (this.#reasons.length < REASONS_TOLD) this.#reasons.push(rejection.message);
    if (this.#kept.length === REJECTED_KEPT || this.#rejectedBytes > REJECTED_BYTES) return;
    this.#rejectedBytes += sizeOf(rejection.record) + rejection.message.length;
    this.#kept.push(rejection);
  }
}

/** Counts in slices, so that other work gets its turn. If the request fails, its resend counts the same lines again. */
async function countLines(connections: ConnectionCounter, lines: readonly AccessLine[]): Promise<void> {
  const counted: Promise<void>[] = [];
  for (let from = 0; from < lines.length; from += LINES_A_TURN) {
    const some = connections.count(lines.slice(from, from + LINES_A_TURN));
    some.catch(() => undefined);
    counted.push(some);
    if (from + LINES_A_TURN < lines.length) await nextTurn();
  }
  await Promise.all(counted);
}

function tooMany(): CollectorError {
  return new CollectorError(
    'batch_too_large',
    `The request makes more than ${EVENTS_MAX} events, or more than ${EVENT_BYTES_MAX} bytes of them: send fewer records at once`,
  );
}

/** Estimated size of a field without its text, in JSON and in memory. */
const FIELD_BYTES = 64;

/** Estimated memory of an event in flight. */
function sizeOf(fields: unknown): number {
  let bytes = 0;
  if (typeof fields !== 'object' || fields === null) return FIELD_BYTES;
  for (const value of Object.values(fields)) bytes += FIELD_BYTES + (typeof value === 'string' ? value.length : 0);
  return bytes;
}
