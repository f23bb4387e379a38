import { isUtf8 } from 'node:buffer';
import type { Attributes } from '../../taxonomy/telemetry.ts';
import { CollectorError } from '../errors.ts';
import { RECORD_BYTES_MAX, takesTooMuch, type Progress, type RecordSink } from './decoding.ts';
import { JsonReader } from './json-reader.ts';
import { eachMember, lazyResource, refuseMany, UnreadableRecord } from './json-values.ts';

export type ResourceOf = () => Attributes;
/** Reads the record that begins at `start`; a generator if the record has members of its own. */
type OnRecord = (reader: JsonReader, start: number, path: string, resource: ResourceOf) => Generator<void> | void;

/** Bytes skipped in one go. */
const SKIP_BYTES = 256 * 1024;
const N_OF_NULL = 0x6e;
const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf];

function invalid(path: string, what: string): CollectorError {
  return new CollectorError('invalid_json', `${path === '' ? 'The body' : path} ${what}`);
}

/**
 * Walks Export…Request → Resource… → Scope… → record, the shape that the three signals share. Walks the whole body, so that
 * a truncated body or invalid JSON is refused as a whole. An invalid record affects only itself.
 *
 * @param names the names of the lists of resources, of their scopes, and of the scopes' records
 * @throws CollectorError invalid_json, batch_too_large
 */
export function* walkJson(
  body: Uint8Array,
  [groups, scopes, records]: readonly [string, string, string],
  progress: Progress,
  onRecord: OnRecord,
): Generator<void> {
  if (!isUtf8(body)) throw invalid('', 'is not valid UTF-8');
  const hasMark = BYTE_ORDER_MARK.every((byte, index) => body[index] === byte);
  const reader = new JsonReader(body, hasMark ? BYTE_ORDER_MARK.length : 0);
  // As in protobuf, an empty body is a request without members.
  if (body.length === 0) return;
  yield* members(reader, '', progress, (key) =>
    key === groups ? elements(reader, groups, progress, (path) => walkGroup(path)) : undefined,
  );
  reader.end();

  function* walkGroup(path: string): Generator<void> {
    let resource: ResourceOf | undefined;
    /** Positions of scopes that come before their resource. */
    const early: number[] = [];
    yield* members(reader, path, progress, (key) => {
      if (key === 'resource') resource = lazyResource(body, reader.at, `${path}.resource`);
      if (key !== scopes) return undefined;
      if (resource !== undefined) return walkScopes(path, resource);
      early.push(reader.at);
      return undefined;
    });
    const end = reader.at;
    for (const at of early) {
      reader.at = at;
      yield* walkScopes(path, resource ?? noResource);
    }
    reader.at = end;
  }

  function walkScopes(path: string, resource: ResourceOf): Generator<void> {
    return elements(reader, `${path}.${scopes}`, progress, (scope) =>
      members(reader, scope, progress, (key) =>
        key === records
          ? walkRecords(reader, `${scope}.${records}`, progress, (start, at) => onRecord(reader, start, at, resource))
          : undefined,
      ),
    );
  }
}

const noResource: ResourceOf = () => ({});

/** Members of an object that do not count: none of OTLP that is walked has as many. */
const FEW_MEMBERS = 16;

/** Goes through an object, by its keys, and skips members that are not walked. @throws CollectorError batch_too_large */
export function* members(
  reader: JsonReader,
  path: string,
  progress: Progress,
  walk: (key: string) => Generator<void> | undefined,
): Generator<void> {
  if (!reader.isObject()) return skipNull(reader, path, 'must be an object');
  let count = 0;
  for (let more = reader.firstMember(); more; more = reader.nextMember()) {
    count += 1;
    if (count > FEW_MEMBERS) progress.count();
    reader.peek();
    yield* walk(reader.key) ?? skip(reader);
    if (progress.isDue()) yield progress.begin();
  }
}

/** Goes through an array and walks each element. */
function* elements(
  reader: JsonReader,
  path: string,
  progress: Progress,
  walk: (path: string) => Generator<void>,
): Generator<void> {
  if (!reader.isArray()) return skipNull(reader, path, 'must be an array');
  let index = 0;
  for (let more = reader.firstElement(); more; more = reader.nextElement()) {
    progress.count();
    yield* walk(`${path}[${index}]`);
    index += 1;
    if (progress.isDue()) yield progress.begin();
  }
}

/** Goes through an array of records. Skips each first, so that it is known to be JSON before it is read. */
export function* walkRecords(
  reader: JsonReader,
  path: string,
  progress: Progress,
  onRecord: (start: number, path: string) => Generator<void> | void,
): Generator<void> {
  if (!reader.isArray()) return skipNull(reader, path, 'must be an array');
  let index = 0;
  for (let more = reader.firstElement(); more; more = reader.nextElement()) {
    progress.count();
    reader.peek();
    const start = reader.at;
    reader.beginSkip();
    if (!reader.skipSome(SKIP_BYTES)) yield* skipOn(reader);
    const end = reader.at;
    const inner = onRecord(start, `${path}[${index}]`);
    if (inner !== undefined) yield* inner;
    reader.at = end;
    index += 1;
    if (progress.isDue()) yield progress.begin();
  }
}

function* skip(reader: JsonReader): Generator<void> {
  reader.beginSkip();
  yield* skipOn(reader);
}

function* skipOn(reader: JsonReader): Generator<void> {
  while (!reader.skipSome(SKIP_BYTES)) yield;
}

/** Skips null, which means unset. @throws CollectorError invalid_json if anything else comes */
function skipNull(reader: JsonReader, path: string, what: string): void {
  const byte = reader.peek();
  // What is refused need not be walked: it may be as long as the body.
  if (byte !== undefined && byte !== N_OF_NULL) throw invalid(path, what);
  reader.skip();
}

/** Reads a record, or refuses it. */
export function readOrRefuse<R>(sink: RecordSink<R>, path: string, read: () => void): void {
  try {
    read();
  } catch (error) {
    if (!(error instanceof UnreadableRecord)) throw error;
    sink.refuse(error.within(path).message);
  }
}

/** The wanted fields of a record, by position. Other fields are not read. */
export class Fields<Name extends string> {
  readonly #reader: JsonReader;
  readonly #path: string;
  readonly #places = new Map<string, number>();

  /**
   * @param start where the record begins
   * @param names the wanted fields
   * @param path prefix of a field's name in messages
   * @throws UnreadableRecord if the record is not an object, or too long to be read
   */
  constructor(reader: JsonReader, start: number, names: readonly Name[], path = '') {
    this.#reader = reader;
    this.#path = path === '' ? '' : `${path}.`;
    if (reader.at - start > RECORD_BYTES_MAX) throw new UnreadableRecord('', takesTooMuch(reader.at - start));
    if (path === '') refuseMany(reader, '');
    const wanted: readonly string[] = names;
    reader.at = start;
    eachMember(reader, path, (key) => {
      reader.peek();
      if (wanted.includes(key)) this.#places.set(key, reader.at);
      return false;
    });
  }

  /** @returns undefined if the field is missing */
  read<T>(name: Name, read: (reader: JsonReader, path: string) => T): T | undefined {
    return this.goTo(name) ? read(this.#reader, this.#path + name) : undefined;
  }

  /** Moves the reader to the value of a field. @returns whether the field exists */
  goTo(name: Name): boolean {
    const at = this.#places.get(name);
    if (at !== undefined) this.#reader.at = at;
    return at !== undefined;
  }
}
