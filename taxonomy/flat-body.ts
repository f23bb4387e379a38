import { commonFields } from './event-fields.ts';
import { eventTraits, type EventType } from './event-types.ts';

/**
 * An event as it is journaled and published, in one flat JSON object: its own fields and the names of Clowder v1's event sink.
 * `event_id`, `event` and `created` come first.
 */
export interface FlatBody {
  readonly event_id: string;
  readonly event: EventType;
  readonly created: number;
  readonly [field: string]: string | number | boolean | undefined;
}

const COMMON_ORDER = Object.keys(commonFields).filter((field) => field !== 'event_id' && field !== 'created');
const COMMON = new Set(Object.keys(commonFields).concat('event'));

/**
 * Fields that the existing InfluxDB consumer for v1 stores as values of a point. If a message has none of them, that consumer
 * crashes, and reads the same message again forever.
 */
const V1_VALUES = [
  'resource_id',
  'resource_name',
  'dataset_id',
  'dataset_name',
  'user_name',
  'author_name',
  'size',
  'service_name',
  'uptime',
  'response_time_avg',
  'response_time_min',
  'response_time_max',
  'response_time_loss',
] as const;

/** Clowder's own name among v1's consumers. */
const CLOWDER = 'clowder';

/**
 * Adds the fields that follow from others: `resource_id`, `resource_type`, `resource_name`, and Clowder v1's `category`,
 * `type`, `size` and `uptime`. `service_name` goes to readings, and to events with no other value that v1's consumers store.
 * Unknown fields stay absent.
 *
 * @param event a checked event; undefined values are left out
 */
export function toFlatBody(event: {
  event_id: string;
  event: EventType;
  created: number;
  [field: string]: unknown;
}): FlatBody {
  const traits = eventTraits[event.event];
  const body: Record<string, unknown> = { event_id: event.event_id, event: event.event, created: event.created };
  for (const field of COMMON_ORDER) if (event[field] !== undefined) body[field] = event[field];
  const resource = traits.resource;
  if (resource !== undefined) {
    if (event[resource.id] !== undefined) body['resource_id'] = event[resource.id];
    body['resource_type'] = resource.type;
    if (resource.name !== undefined && event[resource.name] !== undefined) body['resource_name'] = event[resource.name];
  } else if (body['resource_id'] === undefined) {
    deriveResource(event, body);
  }
  if (isFileAsItIs(event)) body['resource_name'] ??= event['file_name'];
  for (const field in event) if (!COMMON.has(field) && event[field] !== undefined) body[field] = event[field];
  body['category'] = traits.v1.category;
  const type = traits.v1.type ?? body['resource_type'];
  if (type !== undefined) body['type'] = type;
  if (event['bytes'] !== undefined) body['size'] = event['bytes'];
  if (event.event === 'health.ping') nameServiceStatus(event, body);
  if (V1_VALUES.every((field) => body[field] === undefined)) body['service_name'] = serviceOf(event);
  return body as unknown as FlatBody;
}

/** Existing consumers store readings as a service's state; the monitor's readings get v1's own category for that. */
function nameServiceStatus(event: Record<string, unknown>, body: Record<string, unknown>): void {
  body['service_name'] = event['component'] ?? event['target'];
  // Rounded down, because a time series column has one type, and integers and floats are different types.
  const uptime = Math.floor(Number(event['uptime_s']));
  if (Number.isSafeInteger(uptime)) body['uptime'] = uptime;
  if (event['source'] !== 'monitor') return;
  body['category'] = 'service_status';
  body['type'] = event['healthy'] === true ? 'up' : 'down';
}

/** Where it happened; known even if the event is about no resource and names nobody. */
function serviceOf(event: Record<string, unknown>): unknown {
  return event['component'] ?? event['clowder_instance'] ?? CLOWDER;
}

/**
 * Whether a download carries the file's own name. An archive's name differs from its dataset's, and a conversion has its own.
 */
function isFileAsItIs(event: Record<string, unknown>): boolean {
  const { event: type, resource_type: resourceType, file_name: fileName, format } = event;
  return type === 'view.download' && resourceType === 'file' && fileName !== undefined && format === undefined;
}

/** Extraction events may be about a file or a dataset, and name it by `file_id` or `dataset_id`. */
function deriveResource(event: Record<string, unknown>, body: Record<string, unknown>): void {
  const type = event['file_id'] !== undefined ? 'file' : event['dataset_id'] !== undefined ? 'dataset' : undefined;
  if (type === undefined || !String(event['event']).startsWith('extraction.')) return;
  body['resource_id'] = event[`${type}_id`];
  body['resource_type'] = type;
}
