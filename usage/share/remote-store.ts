import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { VERSION } from '../../runtime/version.ts';
import type { Period } from '../rules/dialect.ts';
import type { VerdictOptions } from '../rules/verdict.ts';
import type { StoredEvent } from '../store/columns.ts';
import { duckdbDialect } from '../store/duckdb/dialect.ts';
import type { AnswerRow, Engine } from '../store/engine.ts';
import { UsageStoreError } from '../store/errors.ts';
import type { CatalogPlaces, Contents, Ingested, OnProgress, UsageStore } from '../store/usage-store.ts';
import { addressOf } from './address.ts';
import { socketOf, type CallName, type Calls, type Said } from './protocol.ts';

const NO_PROGRESS: OnProgress = () => undefined;

/**
 * The store in a file that another process has open, reached through that process.
 *
 * @returns undefined if nothing answers
 * @throws UsageStoreError if the process has another version
 */
export async function connectStore(place: string): Promise<UsageStore | undefined> {
  const address = addressOf(socketOf(place));
  const socket = connect(address.path);
  try {
    await once(socket, 'connect');
  } catch {
    return undefined;
  } finally {
    address.close();
  }
  const line = new Line(socket);
  const version = await line.version;
  if (version === VERSION) return new RemoteStore(line);
  line.close();
  throw new UsageStoreError(
    'in_use',
    `The process that counts usage is of version ${version}, and this command of ${VERSION}: restart the collector, or use its command`,
  );
}

interface Waiting {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
  readonly onProgress: OnProgress;
}

/** Calls and answers over one connection. */
class Line {
  readonly #socket: Socket;
  readonly #waiting = new Map<number, Waiting>();
  readonly version: Promise<string>;
  #asked = 0;
  #ended = false;

  constructor(socket: Socket) {
    this.#socket = socket;
    const version = Promise.withResolvers<string>();
    this.version = version.promise;
    const end = (): void => {
      this.#ended = true;
      version.reject(gone());
      for (const { reject } of this.#waiting.values()) reject(gone());
      this.#waiting.clear();
    };
    socket.on('error', end).on('close', end);
    const lines = createInterface({ input: socket });
    lines.on('error', end);
    lines.on('line', (text) => {
      const said = JSON.parse(text) as Said;
      if ('version' in said) version.resolve(said.version);
      else this.#hear(said);
    });
  }

  call<Name extends CallName>(
    call: Name,
    args: Calls[Name]['args'],
    onProgress: OnProgress = NO_PROGRESS,
  ): Promise<Calls[Name]['result']> {
    if (this.#ended) return Promise.reject(gone());
    this.#asked += 1;
    const id = this.#asked;
    const { promise, resolve, reject } = Promise.withResolvers<Calls[Name]['result']>();
    // The other side's result has the type of this call.
    this.#waiting.set(id, { resolve: (result) => resolve(result as Calls[Name]['result']), reject, onProgress });
    this.#socket.write(`${JSON.stringify({ id, call, args })}\n`);
    return promise;
  }

  close(): void {
    this.#socket.destroy();
  }

  #hear(said: Exclude<Said, { readonly version: string }>): void {
    const waiting = this.#waiting.get(said.id);
    if (waiting === undefined) return;
    if ('done' in said) return waiting.onProgress(said.done, said.total);
    this.#waiting.delete(said.id);
    if ('error' in said) waiting.reject(new Error(said.error));
    else waiting.resolve(said.result);
  }
}

const gone = (): UsageStoreError =>
  new UsageStoreError(
    'in_use',
    'The process that counts usage ended meanwhile: run the command again. Nothing is counted twice',
  );

class RemoteStore implements UsageStore {
  readonly isShared = true;
  readonly engine: Engine;
  readonly #line: Line;

  constructor(line: Line) {
    this.#line = line;
    this.engine = {
      dialect: duckdbDialect,
      // As in the local engine, the caller states the type of a SELECT's rows.
      query: async <Row extends AnswerRow>(sql: string) => (await line.call('query', { sql })) as readonly Row[],
      run: async (...statements) => {
        await line.call('run', { statements });
      },
      inTransaction: () => Promise.reject(new Error('the process that has the store has its transactions alone')),
      close: async () => line.close(),
    };
  }

  ingest(events: readonly StoredEvent[], marks: Readonly<Record<string, string>> = {}): Promise<Ingested> {
    return this.#line.call('ingest', { events, marks });
  }

  async mark(name: string): Promise<string | undefined> {
    return (await this.#line.call('mark', { name })) ?? undefined;
  }

  verdicts(options: VerdictOptions): Promise<string> {
    return this.#line.call('verdicts', options);
  }

  events(period: Period): string {
    return duckdbDialect.events(period);
  }

  contents(): Promise<Contents> {
    return this.#line.call('contents', {});
  }

  async place({ files, datasets }: CatalogPlaces): Promise<void> {
    await this.#line.call('place', { files: [...files], datasets: [...datasets] });
  }

  async rebuild(onProgress?: OnProgress): Promise<void> {
    await this.#line.call('rebuild', {}, onProgress);
  }

  forget(userId: string, onProgress?: OnProgress): Promise<number> {
    return this.#line.call('forget', { userId }, onProgress);
  }

  dropBefore(ms: number): Promise<number> {
    return this.#line.call('dropBefore', { ms });
  }

  async close(): Promise<void> {
    this.#line.close();
  }
}
