import { open, readdir, rm, stat, type FileHandle } from 'node:fs/promises';
import { createReadStream } from 'node:fs';
import { basename, join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { makeDirectory } from '../../../runtime/directory.ts';
import type { FieldValue, SinkContext } from '../../sink.ts';
import { compressFile, syncDirectory, unzipped } from './compress.ts';
import { KnownIds } from './known-ids.ts';
import { archiveFiles, dayOf, nextName, UNFINISHED, type ArchiveFile } from './names.ts';
import { findTail } from './tail.ts';

export interface ArchiveOptions {
  readonly directory: string;
  /** Size at which a file is closed. */
  readonly maxBytes: number;
  /** How many of the last events are remembered, to write none of them twice. */
  readonly knownIds: number;
  readonly log: SinkContext['log'];
  /** Unix milliseconds. */
  readonly now: () => number;
}

export interface Archive {
  /**
   * Writes the events that are not known to be in the archive, one line each, and syncs them to disk.
   *
   * @throws the system's error, such as ENOSPC; the archive then has none of them
   */
  append(events: readonly Readonly<Record<string, FieldValue>>[]): Promise<void>;
  close(): Promise<void>;
}

/** The file being appended to. */
interface Current {
  readonly file: FileHandle;
  readonly path: string;
  readonly day: string;
  readonly inode: number;
  bytes: number;
}

/** Does not open anything yet: the directory may be missing for now, or another process may still be using it. */
export function openArchive(options: ArchiveOptions): Archive {
  return new NdjsonArchive(options);
}

class NdjsonArchive implements Archive {
  readonly #options: ArchiveOptions;
  #known: KnownIds;
  #current: Current | undefined;
  /** Compresses closed files, one after another. */
  #compressing: Promise<void> = Promise.resolve();
  readonly #stop = new AbortController();

  constructor(options: ArchiveOptions) {
    this.#options = options;
    this.#known = new KnownIds(options.knownIds);
  }

  async append(events: readonly Readonly<Record<string, FieldValue>>[]): Promise<void> {
    const current = await this.#currentFile();
    const fresh = events.filter((event) => !this.#known.has(idOf(event)));
    if (fresh.length === 0) return;
    const text = Buffer.from(fresh.map((event) => `${JSON.stringify(event)}\n`).join(''));
    try {
      await current.file.appendFile(text);
      await current.file.datasync();
    } catch (error) {
      await this.#undo(current);
      throw error;
    }
    current.bytes += text.length;
    for (const event of fresh) this.#known.add(idOf(event));
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#compressing;
    await this.#current?.file.close();
    this.#current = undefined;
  }

  /** Removes half-written lines. If that fails, the next opening does it. */
  async #undo(current: Current): Promise<void> {
    this.#current = undefined;
    await current.file.truncate(current.bytes).catch((error: unknown) => {
      this.#options.log.warn({ err: error, path: current.path }, 'half-written lines could not be removed yet');
    });
    await current.file.close().catch(() => undefined);
  }

  async #currentFile(): Promise<Current> {
    const { maxBytes, now } = this.#options;
    const current = await this.#stillOurs();
    if (current === undefined) return this.#open();
    if (current.bytes < maxBytes && current.day >= dayOf(now())) return current;
    return this.#rotate(current);
  }

  async #rotate(current: Current): Promise<Current> {
    this.#current = undefined;
    await current.file.close();
    const closed = archiveFiles([basename(current.path)]);
    const next = await this.#begin(closed[0]);
    this.#compress(closed);
    return next;
  }

  /** Returns the open file, unless somebody has removed, replaced or written it. */
  async #stillOurs(): Promise<Current | undefined> {
    const current = this.#current;
    if (current === undefined) return undefined;
    const there = await stat(current.path).catch(() => undefined);
    if (there?.ino === current.inode && there.size === current.bytes) return current;
    this.#options.log.warn({ path: current.path }, 'another program changed the file: reading it again');
    this.#current = undefined;
    await current.file.close();
    return undefined;
  }

  /** Continues the last file, or begins a new one, and compresses closed files. */
  async #open(): Promise<Current> {
    const { directory } = this.#options;
    await this.#compressing;
    makeDirectory(directory);
    const names = await readdir(directory);
    for (const name of names) if (name.endsWith(UNFINISHED)) await rm(join(directory, name));
    const files = archiveFiles(names);
    await this.#readKnown(files);
    const last = files.at(-1);
    const current = (await this.#goOn(last)) ?? (await this.#begin(last));
    this.#compress(files.filter(({ name, closed }) => !closed && name !== basename(current.path)));
    return current;
  }

  async #goOn(last: ArchiveFile | undefined): Promise<Current | undefined> {
    const { directory, maxBytes, now } = this.#options;
    if (last === undefined || last.closed || last.day < dayOf(now())) return undefined;
    const current = await openFile(join(directory, last.name), last.day);
    if (current.bytes < maxBytes) return (this.#current = current);
    await current.file.close();
    return undefined;
  }

  async #begin(last: ArchiveFile | undefined): Promise<Current> {
    const { directory, now } = this.#options;
    const name = nextName(last, dayOf(now()));
    const current = await openFile(join(directory, name), archiveFiles([name])[0]?.day ?? '');
    await syncDirectory(directory);
    return (this.#current = current);
  }

  /** Reads the ids of the last lines of all files, and cuts off a half-written line. */
  async #readKnown(files: readonly ArchiveFile[]): Promise<void> {
    const { directory, knownIds, log } = this.#options;
    const newestFirst: (readonly string[])[] = [];
    let missing = knownIds;
    for (const { name, closed } of files.toReversed()) {
      if (missing <= 0) break;
      const path = join(directory, name);
      const text = await (closed ? unzipped(path) : endCut(path, missing));
      const ids = await lastIds(text, missing, () => {
        log.warn({ path }, 'a line of the archive is not an event: who wrote it?');
      });
      newestFirst.push(ids);
      missing -= ids.length;
    }
    this.#known = new KnownIds(knownIds);
    for (const ids of newestFirst.toReversed()) for (const id of ids) this.#known.add(id);
  }

  #compress(files: readonly ArchiveFile[]): void {
    const { directory, log } = this.#options;
    for (const { name } of files) {
      this.#compressing = this.#compressing
        .then(() => (this.#stop.signal.aborted ? undefined : compressFile(join(directory, name), this.#stop.signal)))
        .catch((error: unknown) => {
          // The file stays as it is until the archive is opened again.
          if (!this.#stop.signal.aborted) log.warn({ err: error, name }, 'a closed file could not be compressed');
        });
    }
  }
}

async function openFile(path: string, day: string): Promise<Current> {
  const file = await open(path, 'a');
  const { ino: inode, size: bytes } = await file.stat();
  return { file, path, day, inode, bytes };
}

/** Cuts off a half-written line, then returns the last lines of the file. */
async function endCut(path: string, lines: number): Promise<Readable> {
  const file = await open(path, 'r+');
  try {
    const { beginBytes, wholeBytes } = await findTail(file, lines);
    await file.truncate(wholeBytes);
    return createReadStream(path, { start: beginBytes });
  } finally {
    await file.close();
  }
}

/** Returns the ids of the last lines, in their order. */
async function lastIds(text: Readable, lines: number, onNoEvent: () => void): Promise<readonly string[]> {
  const ids: string[] = [];
  for await (const line of createInterface({ input: text, crlfDelay: Infinity })) {
    const id = idOfLine(line);
    if (id === undefined) onNoEvent();
    else ids.push(id);
    if (ids.length >= 2 * lines) ids.splice(0, ids.length - lines);
  }
  return ids.slice(-lines);
}

function idOf(event: Readonly<Record<string, FieldValue>>): string {
  return String(event['event_id']);
}

function idOfLine(line: string): string | undefined {
  try {
    const event: unknown = JSON.parse(line);
    return typeof event === 'object' && event !== null && 'event_id' in event ? String(event.event_id) : undefined;
  } catch {
    return undefined;
  }
}
