import type { LogRecord } from '../../taxonomy/telemetry.ts';
import type { AccessRecord } from '../connections/access-line.ts';
import { CollectorError } from '../errors.ts';

/** Takes what a decoder finds, a record at a time: the decoder keeps nothing of it. */
export interface RecordSink<R> {
  take(record: R): void;
  /** A record that cannot be read, and why: the others are taken all the same. */
  refuse(reason: string): void;
}

/** `access`: every record of an access log, where they are asked for; also those that may be events. */
export interface LogSink extends RecordSink<LogRecord> {
  access(record: AccessRecord): void;
}

/** The work of decoding one body, in slices: after each one others may have a turn. Returns how many records there were. */
export type Decoding = Generator<void, number, void>;

/** Records that one request may bring; the resources, scopes and metrics that they are grouped by count too. */
const RECORDS_MAX = 100_000;
/** Bytes of one record, or one resource: whatever is made of them in one go takes some milliseconds. */
export const RECORD_BYTES_MAX = 4 * 1024 * 1024;
/** Attributes, span events and values that are looked at of one record: SDKs send 128 of each at most, where nobody sets more. */
export const MEMBERS_MAX = 20_000;
/** Events that one span may state: each is mapped as a record is. */
export const STATED_MAX = 1000;
/** A text that is longer is cut: no field is as long. */
export const TEXT_BYTES_MAX = 128 * 1024;
const SLICE_MS = 5;
/** Records of no interest between two looks at the clock; a power of two. */
const LOOK_EVERY = 32;

/** Counts what a request brings, and says when it is time to give others a turn. */
export class Progress {
  /** Spans, log records or data points. */
  seen = 0;
  #counted = 0;
  #tookLong = false;
  #sliceEnds = performance.now() + SLICE_MS;

  /** One more member of the request. @throws CollectorError batch_too_large */
  count(): void {
    this.#counted += 1;
    if (this.#counted > RECORDS_MAX)
      throw new CollectorError(
        'batch_too_large',
        `The request has more than ${RECORDS_MAX} records, resources, scopes and metrics: send fewer at once`,
      );
  }

  /** The latest member was not only looked at. */
  tookLong(): void {
    this.#tookLong = true;
  }

  /** Whether others should have a turn. Asked after each member: mostly it costs nothing. */
  isDue(): boolean {
    if (!this.#tookLong && (this.#counted & (LOOK_EVERY - 1)) !== 0) return false;
    this.#tookLong = false;
    return performance.now() >= this.#sliceEnds;
  }

  /** Others had their turn. */
  begin(): void {
    this.#sliceEnds = performance.now() + SLICE_MS;
  }
}

/** Of a record with more members than are looked at. */
export const hasTooMany = (what: string, most = MEMBERS_MAX): string => `has more than ${most} ${what}`;

/** Of a record, or a resource, that is too long. */
export function takesTooMuch(bytes: number): string {
  return `takes ${bytes} bytes, at most ${RECORD_BYTES_MAX} are read`;
}
