import { createHash } from 'node:crypto';
import type { SinkEvent } from '../../sink.ts';

export const FORMATS = ['json', 'cloudevents'] as const;
export type WebhookFormat = (typeof FORMATS)[number];

interface Format {
  readonly contentType: string;
  readonly item: (event: SinkEvent) => object;
}

const FORMAT: Readonly<Record<WebhookFormat, Format>> = {
  json: { contentType: 'application/json', item: ({ fields }) => fields },
  cloudevents: { contentType: 'application/cloudevents-batch+json', item: toCloudEvent },
};

/** Builds the body of a delivery: an array of events in order. */
export function bodyOf(
  batch: readonly SinkEvent[],
  format: WebhookFormat,
): { readonly contentType: string; readonly body: string } {
  const { contentType, item } = FORMAT[format];
  return { contentType, body: JSON.stringify(batch.map(item)) };
}

/** Bytes of an event in the body, including its comma. */
export function sizeOf(event: SinkEvent, format: WebhookFormat): number {
  return Buffer.byteLength(JSON.stringify(FORMAT[format].item(event))) + 1;
}

/** Returns the same id for the same events in the same order, so a retried delivery keeps its id. */
export function deliveryId(batch: readonly SinkEvent[]): string {
  const ids = createHash('sha256').update(JSON.stringify(batch.map(({ id }) => id)));
  return `msg_${ids.digest('hex').slice(0, 32)}`;
}

/** CloudEvents 1.0 in JSON format, with the attributes of the message in RabbitMQ. */
function toCloudEvent({ id, type, createdMs, resource, fields }: SinkEvent): object {
  const instance = fields['clowder_instance'];
  return {
    specversion: '1.0',
    id,
    source:
      instance === undefined
        ? `urn:clowder-otel:${String(fields['source'] ?? 'unknown')}`
        : `urn:clowder:${encodeURIComponent(String(instance))}`,
    type,
    time: new Date(createdMs).toISOString(),
    ...(resource !== '' && { subject: resource }),
    datacontenttype: 'application/json',
    data: fields,
  };
}
