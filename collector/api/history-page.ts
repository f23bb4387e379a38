import { setImmediate as nextTurn } from 'node:timers/promises';
import type { FlatBody } from '../../taxonomy/flat-body.ts';
import type { JournalRow } from '../journal/journal.ts';

/** Which events of the history are wanted, and where to begin. */
export interface HistoryQuery {
  /** Event types, separated by commas. */
  readonly type?: string | undefined;
  /** Created at or after, Unix milliseconds. */
  readonly since?: number | undefined;
  /** Created before, Unix milliseconds. */
  readonly until?: number | undefined;
  readonly source?: string | undefined;
  readonly client_kind?: string | undefined;
  readonly resource_id?: string | undefined;
  readonly user_id?: string | undefined;
  readonly clowder_instance?: string | undefined;
  readonly limit: number;
  readonly order: 'asc' | 'desc';
  /** `next` of an earlier page: a row, and how many of its lines that page has examined. */
  readonly cursor?: string | undefined;
}

export interface HistoryPage {
  readonly events: readonly FlatBody[];
  /** Where the next page begins; undefined if there is none. */
  readonly next: string | undefined;
}

export interface History {
  scan(options: {
    direction: 'asc' | 'desc';
    fromRow?: number;
    types?: readonly string[];
    texts?: readonly string[];
  }): Iterable<JournalRow>;
}

const EXACT = ['source', 'client_kind', 'resource_id', 'user_id', 'clowder_instance'] as const;
/** A page is returned, full or not, once it has examined this much. */
const LINES_MAX = 200_000;
const CHARACTERS_MAX = 96 * 1024 * 1024;
/** Characters examined between two turns of the event loop: a few milliseconds. */
const SLICE_CHARACTERS = 512 * 1024;

/** One page of the history. Yields to the event loop, however much it examines. */
export async function readHistoryPage(history: History, query: HistoryQuery): Promise<HistoryPage> {
  const [cursorRow, cursorLine] = (query.cursor ?? '0.0').split('.').map(Number);
  const step = query.order === 'asc' ? -1 : 1;
  const texts = textsOf(query);
  const mayMatch = textFilter(query, texts);
  const events: FlatBody[] = [];
  let [lookedLines, lookedCharacters, sliceEnd] = [0, 0, SLICE_CHARACTERS];
  const rows = history.scan({
    direction: query.order,
    ...(cursorRow ? { fromRow: cursorRow + step } : {}),
    // Rows without a wanted type and text are skipped unread.
    ...(query.type !== undefined && { types: query.type.split(',') }),
    texts,
  });
  const pause = async (): Promise<void> => {
    if (lookedCharacters < sliceEnd) return;
    await nextTurn();
    sliceEnd = lookedCharacters + SLICE_CHARACTERS;
  };
  for (const { row, lines, skippedBytes = 0 } of rows) {
    lookedCharacters += skippedBytes;
    if (skippedBytes > 0) await pause();
    if (lookedCharacters >= CHARACTERS_MAX) return { events, next: `${row}.0` };
    const from = row === cursorRow ? (cursorLine ?? 0) : 0;
    for (let index = from; index < lines.length; index += 1) {
      const line = lines[query.order === 'asc' ? index : lines.length - 1 - index] ?? '{}';
      lookedLines += 1;
      lookedCharacters += line.length;
      if (lookedCharacters >= sliceEnd) await pause();
      if (mayMatch(line)) {
        const body = JSON.parse(line) as FlatBody;
        if (matches(body, query)) events.push(body);
      }
      if (events.length >= query.limit || lookedLines >= LINES_MAX || lookedCharacters >= CHARACTERS_MAX)
        return { events, next: `${row}.${index + 1}` };
    }
  }
  return { events, next: undefined };
}

/** Texts that the JSON of every wanted event contains. */
function textsOf(query: HistoryQuery): readonly string[] {
  return EXACT.flatMap((field) => {
    const value = query[field];
    return value === undefined ? [] : [`"${field}":${JSON.stringify(value)}`];
  });
}

/** A cheap first filter on the JSON text: passes every line that matches, and few others. */
function textFilter(query: HistoryQuery, texts: readonly string[]): (line: string) => boolean {
  const types = query.type?.split(',').map((type) => `"event":${JSON.stringify(type)}`);
  return (line) =>
    (types === undefined || types.some((type) => line.includes(type))) && texts.every((text) => line.includes(text));
}

function matches(body: FlatBody, query: HistoryQuery): boolean {
  if (query.type !== undefined && !query.type.split(',').includes(body.event)) return false;
  if (query.since !== undefined && body.created < query.since) return false;
  if (query.until !== undefined && body.created >= query.until) return false;
  return EXACT.every((field) => query[field] === undefined || body[field] === query[field]);
}
