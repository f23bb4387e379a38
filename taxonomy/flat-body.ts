import { commonFields, eventTraits, type EventType } from './event-types.ts';

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
 * Completes an event with the fields that follow from others: `resource_id`, `resource_type`, `resource_name`, and
 * Clowder v1's `category`, `type`, `size`, and of the monitor's readings `service_name` and `uptime`. Unknown fields stay absent.
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
  if (event.event === 'health.ping' && event['source'] === 'monitor') nameServiceStatus(event, body);
  else {
    body['category'] = traits.v1.category;
    const type = traits.v1.type ?? body['resource_type'];
    if (type !== undefined) body['type'] = type;
  }
  if (event['bytes'] !== undefined) body['size'] = event['bytes'];
  return body as unknown as FlatBody;
}

/** The monitor's readings have names of their own in the field: consumers store them as the state of a service. */
function nameServiceStatus(event: Record<string, unknown>, body: Record<string, unknown>): void {
  body['category'] = 'service_status';
  body['type'] = event['healthy'] === true ? 'up' : 'down';
  body['service_name'] = event['component'] ?? event['target'];
  // Whole: a column of a time series has one type, and whole numbers are another than others.
  if (typeof event['uptime_s'] === 'number') body['uptime'] = Math.floor(event['uptime_s']);
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
