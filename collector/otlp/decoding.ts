import type { LogRecord } from '../../taxonomy/telemetry.ts';
import type { AccessRecord } from '../connections/access-line.ts';
import { CollectorError } from '../errors.ts';

/** Takes the records that a decoder finds, one at a time. The decoder keeps none of them. */
export interface RecordSink<R> {
  take(record: R): void;
  /** Called with the reason for each record that cannot be read. The others are still taken. */
  refuse(reason: string): void;
}

/** `access`: called for every record of an access log, if those are wanted, including records that may be events. */
export interface LogSink extends RecordSink<LogRecord> {
  access(record: AccessRecord): void;
}

/** Decodes one body in slices; other work may run after each slice. Returns how many records there were. */
export type Decoding = Generator<void, number, void>;

/** Records that one request may contain. The resources, scopes and metrics that group them count too. */
const RECORDS_MAX = 100_000;
/** Bytes of one record or resource, so that reading it in one go takes only a few milliseconds. */
export const RECORD_BYTES_MAX = 4 * 1024 * 1024;
/** Attributes, span events and values that one record may have. By default, SDKs send at most 128 of each. */
export const MEMBERS_MAX = 20_000;
/** Events that one span may state. Each is mapped like a record. */
export const STATED_MAX = 1000;
/** Longer texts are cut, because no field is that long. */
export const TEXT_BYTES_MAX = 128 * 1024;
const SLICE_MS = 5;
/** Uninteresting records between two looks at the clock; a power of two. */
const LOOK_EVERY = 32;

/** Counts the members of a request, and says when it is time to give others a turn. */
export class Progress {
  /** Spans, log records or data points. */
  seen = 0;
  #counted = 0;
  #tookLong = false;
  #sliceEnds = performance.now() + SLICE_MS;

  /** Counts one more member of the request. @throws CollectorError batch_too_large */
  count(): void {
    this.#counted += 1;
    if (this.#counted > RECORDS_MAX)
      throw new CollectorError(
        'batch_too_large',
        `The request has more than ${RECORDS_MAX} records, resources, scopes and metrics: send fewer at once`,
      );
  }

  /** The latest member may have taken long, so the next `isDue` looks at the clock. */
  tookLong(): void {
    this.#tookLong = true;
  }

  /** Whether others should get a turn. Cheap enough to call after each member. */
  isDue(): boolean {
    if (!this.#tookLong && (this.#counted & (LOOK_EVERY - 1)) !== 0) return false;
    this.#tookLong = false;
    return performance.now() >= this.#sliceEnds;
  }

  /** Begins a slice, after others had their turn. */
  begin(): void {
    this.#sliceEnds = performance.now() + SLICE_MS;
  }
}

/** Why a record with too many members is refused. */
export const hasTooMany = (what: string, most = MEMBERS_MAX): string => `has more than ${most} ${what}`;

/** Why a record or resource that is too long is refused. */
export function takesTooMuch(bytes: number): string {
  return `takes ${bytes} bytes, at most ${RECORD_BYTES_MAX} are read`;
}
