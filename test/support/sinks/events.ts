import type { EventType } from '../../../taxonomy/event-types.ts';
import { toFlatBody, type FlatBody } from '../../../taxonomy/flat-body.ts';

/** A day ago: a service may take only what happened lately, and nothing of the future. */
const START_MS = Date.now() - 24 * 60 * 60 * 1000;

/** Values of personal fields by which they are found wherever they come out. */
export const CANARIES = {
  user_id: 'canary-user-id',
  user_name: 'canary-user-name',
  author_id: 'canary-author-id',
  author_name: 'canary-author-name',
  session_id: 'canary-session',
  client_address: '203.0.113.77',
  client_id: 'canary-client-id',
  user_agent: 'Mozilla/5.0 (canary-device) Firefox/140.0',
  file_name: 'canary-file-name.csv',
  trace_id: 'ca4a5900000000000000000000000001',
  span_id: 'ca4a590000000001',
} as const;
const CANARY_TEXTS = ['canary', '203.0.113.77', 'ca4a59'];

/** The first canary that the text holds. */
export function canaryIn(text: string): string | undefined {
  return CANARY_TEXTS.find((canary) => text.includes(canary));
}

/** The resource of an event of `makeEvents`, and its place among the events of it, as its id tells. */
export function readId(id: string): { readonly resource: string; readonly place: number } {
  const [resource = '', place = ''] = id.split('-');
  return { resource, place: Number(place) };
}

const TYPES: readonly EventType[] = ['file.uploaded', 'view.download', 'file.archived', 'file.unarchived'];

/**
 * Events of a few resources in turn, a second after one another, with canaries in every personal field. The id says
 * resource and place: `r3-000012`.
 *
 * @param from of the first one, to go on where other events ended
 */
export function makeEvents(count: number, { from = 0, resources = 7 } = {}): readonly FlatBody[] {
  return Array.from({ length: count }, (_, index) => {
    const number = from + index;
    const resource = `r${number % resources}`;
    const type = TYPES[number % TYPES.length] ?? 'file.uploaded';
    return toFlatBody({
      event_id: `${resource}-${String(Math.floor(number / resources)).padStart(6, '0')}`,
      event: type,
      created: START_MS + number * 1000,
      source: 'proxy',
      ...CANARIES,
      client_kind: 'browser',
      clowder_instance: 'contract',
      ...(type === 'view.download' ? { resource_type: 'file', resource_id: resource } : { file_id: resource }),
      dataset_id: 'd1',
      bytes: number,
    });
  });
}

/** Where an id of the one list comes before an earlier one of its resource; first arrivals count. Undefined: nowhere. */
export function disorderIn(ids: readonly string[]): string | undefined {
  const last = new Map<string, number>();
  for (const id of new Set(ids)) {
    const { resource, place } = readId(id);
    if (place < (last.get(resource) ?? -1)) return `${id} comes after place ${last.get(resource)} of ${resource}`;
    last.set(resource, place);
  }
  return undefined;
}
