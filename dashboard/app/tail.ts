import type { ClowderEvent } from './api.ts';

/** Filters of the live tail by field; `type` is one or several values of `event`. */
export type TailFilter = Readonly<Record<string, string>>;

/** Filters as the API filters its history. */
export function matches(event: ClowderEvent, filter: TailFilter): boolean {
  return Object.entries(filter).every(([name, value]) =>
    name === 'type' ? value.split(',').includes(event.event) : event[name] === value,
  );
}

/** Each event once, newest first, at most `most`. */
export function rowsOf(
  fresh: readonly ClowderEvent[],
  before: readonly ClowderEvent[],
  most: number,
): readonly ClowderEvent[] {
  const byId = new Map([...before, ...fresh].map((event) => [event.event_id, event]));
  return [...byId.values()]
    .toSorted((a, b) => b.created - a.created || (a.event_id < b.event_id ? 1 : -1))
    .slice(0, most);
}

/** What an event is about, in a few words. */
export function subjectOf(event: ClowderEvent): string {
  const named = [
    'resource_name',
    'file_name',
    'title',
    'extractor_name',
    'target',
    'component',
    'resource_id',
    'url',
    'user_name',
  ];
  const found = named.map((name) => event[name]).find((value) => typeof value === 'string' && value !== '');
  const type = event['resource_type'];
  const what = typeof found === 'string' ? found : '';
  return typeof type === 'string' && what !== '' ? `${type} ${what}` : what;
}

/** Source of an event; '' if its text does not name one. */
export function sourceOf(text: string): string {
  try {
    const { source } = JSON.parse(text) as { readonly source?: unknown };
    return typeof source === 'string' ? source : '';
  } catch {
    return '';
  }
}
