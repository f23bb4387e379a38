import { ROOT_CONTEXT, SpanKind, TraceFlags, isSpanContextValid, type Link, type Tracer } from '@opentelemetry/api';
import type { EventMessage } from '../../exporter/message.ts';
import type { Outcome } from '../../exporter/publisher.ts';
import { EVENTS_EXCHANGE } from '../../runtime/amqp/topology.ts';

/** Most links of one span. By default, the SDK keeps no more (OTEL_SPAN_LINK_COUNT_LIMIT). */
const LINKS_MAX = 128;
const SPAN_EVERY_MS = 1000;
/** `00-<32 hex digits>-<16 hex digits>-01`, as the exporter writes it. */
const TRACEPARENT_LENGTH = 55;

export interface PublishSpansOptions {
  readonly tracer: Tracer;
  /** URL of the broker, without its password; empty before the first connection. */
  readonly broker: () => string;
  readonly now?: () => number;
}

/**
 * Spans of publishing: one for everything settled within a second, so that their cost does not grow with the load. Each is a
 * root span of kind CLIENT. It links to the contexts in the `traceparent` of the first 128 messages (semantic conventions
 * for messaging, "Batch publishing"; for RabbitMQ: `publish clowder.events`).
 */
export class PublishSpans {
  readonly #options: PublishSpansOptions;
  readonly #now: () => number;
  readonly #timer: NodeJS.Timeout;
  #count = 0;
  #returned = 0;
  #startMs = 0;
  #endMs = 0;
  #links: Link[] = [];

  constructor(options: PublishSpansOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
    this.#timer = setInterval(() => this.flush(), SPAN_EVERY_MS).unref();
  }

  /** Notes a message that RabbitMQ confirmed or returned, `seconds` after it was published. */
  settled(message: EventMessage, outcome: Outcome, seconds: number): void {
    this.#endMs = this.#now();
    if (this.#count === 0) this.#startMs = this.#endMs - seconds * 1000;
    this.#count += 1;
    if (outcome === 'returned') this.#returned += 1;
    if (this.#links.length < LINKS_MAX) {
      const link = linkTo(message);
      if (link !== undefined) this.#links.push(link);
    }
  }

  /** Makes a span of everything settled since the last one; none if nothing was settled. */
  flush(): void {
    if (this.#count === 0) return;
    const span = this.#options.tracer.startSpan(
      `publish ${EVENTS_EXCHANGE}`,
      {
        kind: SpanKind.CLIENT,
        startTime: this.#startMs,
        links: this.#links,
        attributes: {
          'messaging.system': 'rabbitmq',
          'messaging.operation.name': 'publish',
          'messaging.operation.type': 'send',
          'messaging.destination.name': EVENTS_EXCHANGE,
          'messaging.batch.message_count': this.#count,
          ...(this.#returned > 0 && { 'clowder.publish.returned_count': this.#returned }),
          ...serverOf(this.#options.broker()),
        },
      },
      ROOT_CONTEXT,
    );
    span.end(this.#endMs);
    this.#count = 0;
    this.#returned = 0;
    this.#links = [];
  }

  /** Makes the last span. Do not call `settled` afterwards. */
  stop(): void {
    clearInterval(this.#timer);
    this.flush();
  }
}

function linkTo(message: EventMessage): Link | undefined {
  const headers: unknown = message.options.headers;
  const traceparent: unknown =
    typeof headers === 'object' && headers !== null ? Reflect.get(headers, 'traceparent') : undefined;
  if (typeof traceparent !== 'string' || traceparent.length !== TRACEPARENT_LENGTH) return undefined;
  const context = {
    traceId: traceparent.slice(3, 35),
    spanId: traceparent.slice(36, 52),
    traceFlags: TraceFlags.SAMPLED,
    isRemote: true,
  };
  return isSpanContextValid(context) ? { context } : undefined;
}

function serverOf(broker: string): Record<string, string | number> {
  if (!URL.canParse(broker)) return {};
  const { hostname, port, protocol } = new URL(broker);
  return {
    'server.address': hostname,
    'server.port': port === '' ? (protocol === 'amqps:' ? 5671 : 5672) : Number(port),
  };
}
