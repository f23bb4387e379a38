import type { EventType } from '../../../taxonomy/event-types.ts';
import { toFlatBody, type FlatBody } from '../../../taxonomy/flat-body.ts';

/** A day ago, as services may accept only recent events and none in the future. */
const START_MS = Date.now() - 24 * 60 * 60 * 1000;

/** Values of personal fields that make them recognisable wherever they come out. */
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

/** The first canary in the text. */
export function canaryIn(text: string): string | undefined {
  return CANARY_TEXTS.find((canary) => text.includes(canary));
}

/** The resource of an event of `makeEvents` and the event's place in that resource's sequence, from its id. */
export function readId(id: string): { readonly resource: string; readonly place: number } {
  const [resource = '', place = ''] = id.split('-');
  return { resource, place: Number(place) };
}

const TYPES: readonly EventType[] = ['file.uploaded', 'view.download', 'file.archived', 'file.unarchived'];

/**
 * Events of several resources in turn, one second apart, with canaries in every personal field. The id contains resource and
 * place: `r3-000012`.
 *
 * @param from number of the first event, to continue an earlier series
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

/** The first id that comes after a later one of its resource, by first arrival; undefined if all are in order. */
export function disorderIn(ids: readonly string[]): string | undefined {
  const last = new Map<string, number>();
  for (const id of new Set(ids)) {
    const { resource, place } = readId(id);
    if (place < (last.get(resource) ?? -1)) return `${id} comes after place ${last.get(resource)} of ${resource}`;
    last.set(resource, place);
  }
  return undefined;
}
