/** Publishes events to RabbitMQ: the publisher, the message format, and exporters for the OTel SDK. */
export { AmqpUrlError } from '../runtime/amqp/amqp-url.ts';
export { BrokerError } from '../runtime/amqp/broker-error.ts';
export { toMessage, type EventMessage } from './message.ts';
export {
  createPublisher,
  type Outcome,
  type Publisher,
  type PublisherOptions,
  type PublisherState,
} from './publisher.ts';
export type { EventExporterOptions } from './sdk/event-exporter.ts';
export { RabbitMQLogRecordExporter } from './sdk/log-record-exporter.ts';
export { RabbitMQSpanExporter } from './sdk/span-exporter.ts';
