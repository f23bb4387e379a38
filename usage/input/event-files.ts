import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { StoredEvent } from '../store/columns.ts';
import { InputError } from './errors.ts';
import { linesOf } from './lines.ts';

/** Files of a directory that hold events. */
const EVENT_FILE = /\.(?:ndjson|jsonl)(?:\.gz|\.zst)?$/;
const BATCH = 20_000;
const SHOWN = 60;

/**
 * The files that are meant by paths: a file is itself, a directory all files of events in it and below it, by name.
 *
 * @throws InputError where there is none
 */
export async function eventFiles(paths: readonly string[]): Promise<readonly string[]> {
  const files: string[] = [];
  for (const path of paths) {
    const entry = await stat(path).catch((cause: unknown) => {
      throw InputError.unreadable(path, cause);
    });
    if (!entry.isDirectory()) {
      files.push(path);
      continue;
    }
    const names = (await readdir(path, { recursive: true })).filter((name) => EVENT_FILE.test(name)).toSorted();
    if (names.length === 0)
      throw new InputError(
        'wrong_usage',
        `${path} holds no file of events: they end in .ndjson or .jsonl, with .gz or .zst`,
      );
    files.push(...names.map((name) => join(path, name)));
  }
  return [...new Set(files)];
}

/**
 * Events of files of NDJSON, as the file sink writes them, in batches.
 *
 * @throws InputError with file and line where a line is no event
 */
export async function* eventsOf(files: readonly string[]): AsyncGenerator<readonly StoredEvent[]> {
  let batch: StoredEvent[] = [];
  for (const file of files) {
    for await (const { first, lines } of linesOf(file)) {
      lines.forEach((line, index) => {
        if (line.trim() !== '') batch.push(eventOf(line, file, first + index));
      });
      if (batch.length >= BATCH) {
        yield batch;
        batch = [];
      }
    }
  }
  if (batch.length > 0) yield batch;
}

function eventOf(line: string, file: string, number: number): StoredEvent {
  const event = parsed(line, file, number);
  const lacks = LACKS.find(({ isThere }) => !isThere(event));
  if (lacks !== undefined) throw InputError.atLine(file, number, `no event: ${lacks.what}`);
  return event as StoredEvent;
}

type Parsed = Readonly<Record<string, unknown>>;

/** What an event has to have to be counted, each once. */
const LACKS: readonly { readonly isThere: (event: Parsed) => boolean; readonly what: string }[] = [
  { isThere: ({ event }) => isText(event), what: 'event must be the event type, such as view.download' },
  { isThere: ({ event_id: id }) => isText(id), what: 'event_id must be a text: by it each event counts once' },
  {
    isThere: ({ created }) => Number.isSafeInteger(created) && Number(created) >= 0,
    what: 'created must be Unix milliseconds, a whole number',
  },
];

const isText = (value: unknown): boolean => typeof value === 'string' && value !== '';

function parsed(line: string, file: string, number: number): Parsed {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw InputError.atLine(file, number, `no JSON: ${shown(line)}`);
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Parsed;
  throw InputError.atLine(file, number, `no JSON object: ${shown(line)}`);
}

/** The beginning of a line, as much as helps to find it; what is in it may be personal. */
const shown = (line: string): string => JSON.stringify(line.length > SHOWN ? `${line.slice(0, SHOWN)}…` : line);
