import type { z } from 'zod';
import { textAttribute, ATTRIBUTE_OF_FIELD } from './attributes.ts';
import { checkDraft, type Draft } from './check-draft.ts';
import type { eventSchemas } from './event-types.ts';
import type { MapContext } from './map/context.ts';
import { untracedEventId } from './event-id.ts';
import { reject, type MapResult } from './map/candidate.ts';
import type { Attributes, MetricPoint } from './telemetry.ts';

type PingField = keyof z.infer<(typeof eventSchemas)['health.ping']>;

interface Reading {
  /** The field of health.ping that the value fills. */
  readonly field: keyof typeof FILL;
  /** Attributes that may name the target; the first present one counts. */
  readonly target: readonly string[];
  /** Only points with this attribute value are readings (httpcheck reports a point for each status class). */
  readonly only?: { readonly attribute: string; readonly value: string };
  readonly component?: string;
}

type Fill = (ping: Draft, point: MetricPoint) => unknown;
const asItIs: Fill = (_, { value }) => value;

/** How a point fills each field; undefined leaves the field as it is. */
const FILL = {
  healthy: (_, { value }) => value >= 1,
  error: (_, { value, attributes }) =>
    value > 0 ? (textAttribute(attributes, 'error.message') ?? 'check failed') : undefined,
  response_time_ms: (_, { value, unit }) => value * (TO_MS[unit] ?? 1),
  // A queue has a point for each state of its messages.
  queue_length: (ping, { value }) => Number(ping['queue_length'] ?? 0) + value,
  consumers: asItIs,
  uptime_s: asItIs,
  tls_days_left: asItIs,
} as const satisfies Readonly<Partial<Record<PingField, Fill>>>;

const OWN = [ATTRIBUTE_OF_FIELD.target];
const HTTP_CHECK = ['http.url', 'url.full'];
const QUEUE = ['rabbitmq.queue.name', 'messaging.destination.name'];

/**
 * Metrics that are health readings: `clowder.health.*` from any source, and those of the Collector's httpcheck and rabbitmq
 * receivers.
 */
const READINGS: { readonly [metric: string]: Reading } = {
  'clowder.health.up': { field: 'healthy', target: OWN },
  'clowder.health.response_time': { field: 'response_time_ms', target: OWN },
  'clowder.health.queue_length': { field: 'queue_length', target: OWN },
  'clowder.health.consumers': { field: 'consumers', target: OWN },
  'clowder.health.uptime': { field: 'uptime_s', target: OWN },
  'clowder.health.tls_days_left': { field: 'tls_days_left', target: OWN },
  'httpcheck.status': { field: 'healthy', target: HTTP_CHECK, only: { attribute: 'http.status_class', value: '2xx' } },
  'httpcheck.duration': { field: 'response_time_ms', target: HTTP_CHECK },
  'httpcheck.error': { field: 'error', target: HTTP_CHECK },
  'rabbitmq.message.current': { field: 'queue_length', target: QUEUE, component: 'rabbitmq' },
  'rabbitmq.consumer.count': { field: 'consumers', target: QUEUE, component: 'rabbitmq' },
};

/** Factors that convert the metric's unit (UCUM) to the field's. */
const TO_MS: { readonly [unit: string]: number } = { s: 1000, ms: 1, us: 1e-3, ns: 1e-6 };

/** Whether a metric of this name is a health reading. */
export function isHealthMetric(name: string): boolean {
  return Object.hasOwn(READINGS, name);
}

/** Builds one health.ping for each target and time from its points. Points are added one by one and not kept. */
export class HealthReadings {
  readonly #context: MapContext;
  readonly #pings = new Map<string, Draft>();

  constructor(context: MapContext) {
    this.#context = context;
  }

  /** Adds a point. A value that is not a number is not a reading: Prometheus marks missing values so. */
  add(point: MetricPoint): void {
    const reading = Object.hasOwn(READINGS, point.name) ? READINGS[point.name] : undefined;
    if (reading === undefined || !Number.isFinite(point.value)) return;
    const both = { ...point.resource, ...point.attributes };
    const target = firstText(both, reading.target);
    if (target === undefined) return;
    const component = textAttribute(both, ATTRIBUTE_OF_FIELD.component) ?? reading.component;
    const key = `${target}|${component ?? ''}|${point.timeUnixNano}`;
    const ping = this.#pings.get(key) ?? newPing(target, component, point, this.#context);
    this.#pings.set(key, ping);
    if (reading.only === undefined || textAttribute(both, reading.only.attribute) === reading.only.value)
      ping[reading.field] = FILL[reading.field](ping, point) ?? ping[reading.field];
  }

  get size(): number {
    return this.#pings.size;
  }

  /** Yields the events from all added points, one by one. */
  *pings(): Generator<MapResult> {
    for (const ping of this.#pings.values()) {
      ping['healthy'] ??= ping['error'] === undefined;
      const checked = checkDraft(ping, this.#context);
      yield checked.ok
        ? { candidates: [{ body: checked.body, waits: false, strong: false }], rejected: [] }
        : { candidates: [], rejected: [reject(checked.issues, checked.draft, NO_RESOURCE)] };
    }
  }
}

/** A reading combines points, possibly of several services. */
const NO_RESOURCE: Attributes = {};

function newPing(target: string, component: string | undefined, point: MetricPoint, context: MapContext): Draft {
  return {
    event: 'health.ping',
    event_id: untracedEventId('health.ping', target, [component ?? '', String(point.timeUnixNano)]),
    created: point.timeUnixNano > 0n ? Number(point.timeUnixNano / 1_000_000n) : context.now(),
    source: 'monitor',
    target,
    component,
    status_code: Number(textAttribute(point.attributes, 'http.status_code') ?? Number.NaN) || undefined,
    clowder_instance: textAttribute(point.resource, ATTRIBUTE_OF_FIELD.clowder_instance),
  };
}

function firstText(attributes: MetricPoint['attributes'], names: readonly string[]): string | undefined {
  for (const name of names) {
    const text = textAttribute(attributes, name);
    if (text !== undefined) return text;
  }
  return undefined;
}
