import { readSeed, seedId, seedSize, type Trait } from './seeds.ts';

/** A stored file: only the first bytes of a long one are kept; the rest is generated. */
export interface StoredFile {
  readonly id: string;
  readonly name: string;
  readonly contentType: string;
  readonly size: number;
  readonly trait: Trait;
  /** The first bytes, as many as were kept; generated if absent. */
  readonly content?: Buffer;
  readonly datasetId?: string | undefined;
  readonly folderId?: string | undefined;
  readonly version: number;
}

/** A dataset, collection or space. */
export interface StoredThing {
  readonly id: string;
  readonly name: string;
  readonly trait: Trait;
}

/** A job for an extractor, on a file or dataset. */
export interface StoredJob {
  readonly id: string;
  readonly extractor: string;
  readonly collection: 'files' | 'datasets';
  readonly resourceId: string;
}

type Container = 'dataset' | 'collection' | 'space';
export type NewFile = Pick<StoredFile, 'name' | 'contentType' | 'size'> &
  Partial<Pick<StoredFile, 'content' | 'datasetId' | 'folderId' | 'version'>>;

/** What this Clowder holds, in memory: the seeds and what was created, minus what was deleted. */
export class Store {
  readonly #files = new Map<string, StoredFile>();
  readonly #things = new Map<string, StoredThing>();
  readonly #gone = new Set<string>();
  readonly #jobs = new Map<string, StoredJob>();
  #created = 0;

  /** A new ObjectId as MongoDB makes them: seconds, a machine and a counter. */
  newId(): string {
    this.#created += 1;
    const seconds = Math.floor(Date.now() / 1000).toString(16);
    return `${seconds}57a0d1b002${this.#created.toString(16).padStart(6, '0')}`;
  }

  /** Ids may be in capitals. */
  file(given: string): StoredFile | undefined {
    const id = given.toLowerCase();
    if (this.#gone.has(id)) return undefined;
    const seed = readSeed('file', id);
    return this.#files.get(id) ?? (seed === undefined ? undefined : seededFile(id, seed.number, seed.trait));
  }

  thing(kind: Container, id: string): StoredThing | undefined {
    if (this.#gone.has(id)) return undefined;
    const seed = readSeed(kind, id);
    const made = this.#things.get(`${kind} ${id}`);
    return made ?? (seed === undefined ? undefined : { id, name: `${kind}-${seed.number}`, trait: seed.trait });
  }

  addFile(file: NewFile, id = this.newId()): StoredFile {
    const stored: StoredFile = { version: 1, ...file, id, trait: 'plain' };
    this.#files.set(id, stored);
    return stored;
  }

  addThing(kind: Container, name: string): StoredThing {
    const stored: StoredThing = { id: this.newId(), name, trait: 'plain' };
    this.#things.set(`${kind} ${stored.id}`, stored);
    return stored;
  }

  addJob(job: Omit<StoredJob, 'id'>): StoredJob {
    const stored = { ...job, id: this.newId() };
    this.#jobs.set(stored.id, stored);
    return stored;
  }

  job(id: string): StoredJob | undefined {
    return this.#jobs.get(id);
  }

  /** Newest first. */
  jobs(): readonly StoredJob[] {
    return [...this.#jobs.values()].toReversed();
  }

  delete(id: string): void {
    this.#gone.add(id);
  }

  /** The file of a share link; undefined if the link leads nowhere. */
  linked(linkId: string): StoredFile | undefined {
    const seed = readSeed('link', linkId);
    return seed === undefined ? undefined : this.file(seedId('file', seed.number, seed.trait));
  }
}

function seededFile(id: string, number: number, trait: Trait): StoredFile {
  return {
    id,
    trait,
    name: `file-${number}.txt`,
    contentType: 'text/plain',
    size: seedSize({ number, trait }),
    datasetId: seedId('dataset', number, trait === 'private' ? 'private' : 'plain'),
    version: 1,
  };
}

/** The stand-in refuses to store anything with this in its name, as the route refuses. */
export const isRefused = (name: string): boolean => name.includes('refused');
