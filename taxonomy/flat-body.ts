import { commonFields } from './event-fields.ts';
import { eventTraits, type EventType } from './event-types.ts';

/**
 * An event as it is journaled and published: its own fields and, beside them, the names that Clowder v1's event sink
 * uses, in one flat JSON object. `event_id`, `event` and `created` come first.
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
 * What the field's InfluxDB consumer stores as values of a point. It ends, and reads the same message again for ever, where
 * one has none of them.
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

/** The name that v1's consumers know Clowder itself by. */
const CLOWDER = 'clowder';

/**
 * Completes an event with the fields that follow from others: `resource_id`, `resource_type`, `resource_name`, and
 * Clowder v1's `category`, `type`, `size`, `uptime`, and `service_name` of readings and of what has no other value that v1's
 * consumers store. Unknown fields stay absent.
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

/** Consumers of the field store readings as the state of a service; the monitor's have v1's own category for that. */
function nameServiceStatus(event: Record<string, unknown>, body: Record<string, unknown>): void {
  body['service_name'] = event['component'] ?? event['target'];
  // Whole: a column of a time series has one type, and whole numbers are another than others.
  const uptime = Math.floor(Number(event['uptime_s']));
  if (Number.isSafeInteger(uptime)) body['uptime'] = uptime;
  if (event['source'] !== 'monitor') return;
  body['category'] = 'service_status';
  body['type'] = event['healthy'] === true ? 'up' : 'down';
}

/** Where it happened: what is always known of an event that is about no resource and names nobody. */
function serviceOf(event: Record<string, unknown>): unknown {
  return event['component'] ?? event['clowder_instance'] ?? CLOWDER;
}

/** A download that gave the file under its own name: an archive has another than its dataset, a conversion its own. */
function isFileAsItIs(event: Record<string, unknown>): boolean {
  const { event: type, resource_type: resourceType, file_name: fileName, format } = event;
  return type === 'view.download' && resourceType === 'file' && fileName !== undefined && format === undefined;
}

/** Events that may be about a file or a dataset name it by `file_id` or `dataset_id`. */
function deriveResource(event: Record<string, unknown>, body: Record<string, unknown>): void {
  const type = event['file_id'] !== undefined ? 'file' : event['dataset_id'] !== undefined ? 'dataset' : undefined;
  if (type === undefined || !String(event['event']).startsWith('extraction.')) return;
  body['resource_id'] = event[`${type}_id`];
  body['resource_type'] = type;
}
