import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { amqpTls } from '../runtime/amqp/broker-settings.ts';
import type { Settings } from '../collector/config.ts';
import { openJournalReader, type JournalReader, type JournalRow } from '../collector/journal/journal.ts';
import { replay, type Replayed } from '../collector/publishing/replay.ts';
import { createPublisher } from '../exporter/publisher.ts';
import { EVENT_TYPES, isEventType } from '../taxonomy/event-types.ts';
import type { FlatBody } from '../taxonomy/flat-body.ts';
import { askCollector } from './collector-request.ts';
import type { GlobalOptions } from './global-options.ts';
import { parseTime, printRows, rowPrinter, shownTime, type Row } from './output.ts';
import { progress } from './progress.ts';
import { requireJournal, settingsOf, UsageError } from './settings.ts';

interface Filter {
  readonly since?: string;
  readonly until?: string;
  readonly type?: readonly string[];
}

const COLUMNS = ['created', 'event', 'resource_id', 'resource_name', 'user_name', 'client_kind', 'source', 'event_id'];

/** `events list` */
export function listEvents(options: GlobalOptions, filter: Filter & { limit: number }): void {
  const reader = openReader(settingsOf(options));
  try {
    const found: FlatBody[] = [];
    for (const body of matching(reader, filter, 'desc')) {
      found.push(body);
      if (found.length >= filter.limit) break;
    }
    printRows(found.toReversed().map(rowOf), COLUMNS);
  } finally {
    reader.close();
  }
}

/** `events tail`: until interrupted. */
export async function tailEvents(options: GlobalOptions, filter: Filter): Promise<void> {
  checkTypes(filter);
  const reader = openReader(settingsOf(options));
  const print = rowPrinter(COLUMNS);
  const show = (bodies: readonly FlatBody[]): void => {
    if (bodies.length > 0) print(bodies.map(rowOf));
  };
  const stop = new AbortController();
  process.once('SIGINT', () => stop.abort());
  process.once('SIGTERM', () => stop.abort());
  // Read before the past is shown, so that later events follow it and none appears twice.
  let last = reader.lastRow();
  if (filter.since !== undefined) show([...matching(reader, filter, 'asc', { lastRow: last })]);
  while (!stop.signal.aborted) {
    for (const row of reader.read(last, 1024 * 1024)) {
      last = row.row;
      show(row.lines.map((line) => JSON.parse(line) as FlatBody).filter((body) => isWanted(body, filter)));
    }
    await delay(200, undefined, { signal: stop.signal }).catch(() => undefined);
  }
  reader.close();
}

/** `events replay --to-broker`: publishes journaled events again, in order, and waits for every confirm. */
export async function replayEvents(options: GlobalOptions, filter: Filter & { toBroker?: true }): Promise<void> {
  if (filter.toBroker !== true) throw new UsageError('events replay needs --to-broker: it publishes to RabbitMQ again');
  if (filter.since === undefined) throw new UsageError('events replay needs --since, e.g. --since 6h');
  const settings = settingsOf(options);
  const reader = openReader(settings);
  const last = reader.lastRow();
  let [first, reached] = [last, 0];
  const onRow = (row: number): void => {
    first = Math.min(first, row);
    reached = row;
  };
  const wanted = matching(reader, filter, 'asc', { lastRow: last, onRow });
  const publisher = createPublisher({
    urls: settings.AMQP_URL,
    connectionName: 'clowder-otel replay',
    ...amqpTls(settings, readFileSync),
  });
  const shown = progress('events published');
  try {
    const told = {
      onWaiting: (reason: string | undefined) =>
        shown.say(`waiting for a broker${reason === undefined ? '' : `: ${reason}`}`),
      onConfirmed: (count: number) => shown.update(count, { part: reached - first + 1, total: last - first + 1 }),
    };
    showReplayed(await replay(wanted, publisher, told));
  } finally {
    shown.end();
    reader.close();
    await publisher.close({ timeoutMs: 5000 });
  }
}

/** @throws Error if some events were not confirmed or reached no queue */
function showReplayed({ confirmed, returned: unroutable, nacked, refused, reason }: Replayed): void {
  // Usually zero: shown only otherwise.
  const counted = { confirmed, unroutable, ...(nacked > 0 && { nacked }), ...(refused > 0 && { refused }) };
  printRows([counted], Object.keys(counted));
  if (nacked + refused > 0)
    throw new Error(
      `The broker did not take ${nacked + refused} events: ${nacked} went to a queue that is full (replay them again), ${refused} can never be published${reason === undefined ? '' : ` (${reason})`}`,
    );
  if (unroutable > 0)
    throw new Error(
      `${unroutable} events went to no queue: bind one to clowder.events or clowder.metrics and replay them again`,
    );
}

/** `events retry`: makes the running collector publish events again that no queue took. */
export async function retryHeld(options: GlobalOptions, { key }: { key?: string }): Promise<void> {
  const { published, held } = await askCollector(options, '/api/v1/held/retry', {}, key);
  printRows([{ published: Number(published), 'still held': Number(held) }], ['published', 'still held']);
}

function openReader(settings: Settings): JournalReader {
  requireJournal(settings);
  return openJournalReader(settings.DATA_DIR);
}

interface ScanBounds {
  readonly lastRow?: number;
  /** Called for each row read. */
  readonly onRow?: (row: number) => void;
}

/** @throws UsageError before it reads anything */
function matching(
  reader: JournalReader,
  filter: Filter,
  direction: 'asc' | 'desc',
  { lastRow = Number.MAX_SAFE_INTEGER, onRow = () => undefined }: ScanBounds = {},
): Iterable<FlatBody> {
  checkTypes(filter);
  const sinceMs = timeOf('--since', filter.since);
  const untilMs = timeOf('--until', filter.until);
  const rows = reader.scan({
    direction,
    ...(sinceMs !== undefined && { sinceMs }),
    ...(untilMs !== undefined && { untilMs }),
    ...(filter.type !== undefined && { types: filter.type }),
  });
  return bodiesOf(
    rows.filter(({ row }) => {
      onRow(row);
      return row <= lastRow;
    }),
    direction,
  ).filter((body) => isWanted(body, filter));
}

function* bodiesOf(rows: Iterable<JournalRow>, direction: 'asc' | 'desc'): Generator<FlatBody> {
  for (const { lines } of rows) {
    for (const line of direction === 'asc' ? lines : lines.toReversed()) yield JSON.parse(line) as FlatBody;
  }
}

function checkTypes({ type = [] }: Filter): void {
  const unknown = type.find((one) => !isEventType(one));
  if (unknown !== undefined) throw new UsageError(`--type was ${unknown}; may be ${EVENT_TYPES.join(', ')}`);
}

function isWanted(body: FlatBody, filter: Filter): boolean {
  return filter.type === undefined || filter.type.includes(body.event);
}

function timeOf(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const time = parseTime(text, Date.now());
  if (time === undefined)
    throw new UsageError(`${option} was ${text}; may be RFC 3339, Unix milliseconds, or an age: 90s, 15m, 6h, 7d`);
  return time;
}

/** In a pipe, the whole body; on a terminal, with a readable time. */
function rowOf(body: FlatBody): Row {
  return process.stdout.isTTY ? { ...body, created: shownTime(body.created) } : body;
}
