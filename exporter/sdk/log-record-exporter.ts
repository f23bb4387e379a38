import type { LogRecordExporter, ReadableLogRecord } from '@opentelemetry/sdk-logs';
import { mapLog } from '../../taxonomy/map.ts';
import { fromReadableLogRecord } from './convert.ts';
import { EventExporter, type EventExporterOptions } from './event-exporter.ts';

/** Exports the events that log records state or imply, straight to RabbitMQ. */
export class RabbitMQLogRecordExporter extends EventExporter<ReadableLogRecord> implements LogRecordExporter {
  /** @throws AmqpUrlError */
  constructor(options: EventExporterOptions = {}) {
    super(options, (record, context) => mapLog(fromReadableLogRecord(record), context));
  }
}
