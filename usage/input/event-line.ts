import { hash } from 'node:crypto';
import { eventTraits, EVENT_TYPES, isEventType } from '../../taxonomy/event-types.ts';
import { toFlatBody } from '../../taxonomy/flat-body.ts';
import type { StoredEvent } from '../store/columns.ts';

/** Content of a line: events, possibly none, or why it cannot be read. */
export type Parsed = { readonly events: readonly StoredEvent[] } | { readonly problem: string };

/** A time outside these means a wrong clock or unit. */
const EARLIEST_MS = Date.UTC(2000, 0, 1);
const LATEST_MS = Date.UTC(2100, 0, 1);

/**
 * An event as the file sink and `usage export` write it, or as people write it by hand: only `event` and `created` are
 * required, the latter in milliseconds or RFC 3339. Without an `event_id`, the line itself identifies the event.
 */
export function parseEventLine(text: string): Parsed {
  if (text.trim() === '') return { events: [] };
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { problem: 'it is not JSON' };
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return { problem: 'it is not a JSON object' };
  const fields = value as Readonly<Record<string, unknown>>;
  const { event, event_id: id = `line:${hash('sha256', text.trim(), 'hex').slice(0, 32)}` } = fields;
  if (!isEventType(event)) return { problem: `event was ${shown(event)}; may be ${EVENT_TYPES.join(', ')}` };
  if (typeof id !== 'string' || id === '') return { problem: `event_id was ${shown(id)}; must be text` };
  const created = timeOf(fields['created']);
  if (created === undefined)
    return {
      problem: `created was ${shown(fields['created'])}; must be Unix milliseconds or RFC 3339, from 2000 to 2099`,
    };
  const wrong = idFields(event).find((name) => fields[name] !== undefined && typeof fields[name] !== 'string');
  if (wrong !== undefined) return { problem: `${wrong} was ${shown(fields[wrong])}; must be text` };
  return { events: [toFlatBody({ ...fields, event_id: id, event, created })] };
}

/** Fields that identify what the event is about. */
const idFields = (event: keyof typeof eventTraits): readonly string[] => [
  'resource_id',
  'file_id',
  'dataset_id',
  ...eventTraits[event].identity,
];

function timeOf(created: unknown): number | undefined {
  const ms = typeof created === 'string' && /^\d{4}-\d{2}-\d{2}T/.test(created) ? Date.parse(created) : created;
  return typeof ms === 'number' && Number.isSafeInteger(ms) && ms >= EARLIEST_MS && ms < LATEST_MS ? ms : undefined;
}

const shown = (value: unknown): string => (value === undefined ? 'missing' : JSON.stringify(value).slice(0, 80));
