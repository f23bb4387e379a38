import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace';
import { mapSpan } from '../../taxonomy/map.ts';
import { fromReadableSpan } from './convert.ts';
import { EventExporter, type EventExporterOptions } from './event-exporter.ts';

/**
 * Exports the events that spans state or imply, straight to RabbitMQ, for a program that uses the OTel SDK without a collector.
 */
export class RabbitMQSpanExporter extends EventExporter<ReadableSpan> implements SpanExporter {
  /** @throws AmqpUrlError */
  constructor(options: EventExporterOptions = {}) {
    super(options, (span, context) => mapSpan(fromReadableSpan(span), context));
  }
}
