import type { Attributes } from '@opentelemetry/api';
import type { ReadableLogRecord } from '@opentelemetry/sdk-logs';

/** What the exit sender receives, as JSON. */
export interface LastEvents {
  readonly resource: Attributes;
  readonly records: readonly Omit<ReadableLogRecord, 'resource'>[];
}
