import { z } from 'zod';
import { parseObject, wireText } from './json-object.ts';
import { readStatus, statusWord, type StatusWord } from './status-words.ts';

/** An extractor's report on a job to Clowder (pyclowder 2 and 3; the same for Clowder v1 and v2). */
export interface StatusMessage {
  readonly jobId: string | undefined;
  readonly extractor: string;
  /** `file_id` on the wire, which may be the id of a dataset. */
  readonly resourceId: string | undefined;
  readonly word: StatusWord;
  readonly message: string | undefined;
  /**
   * `start` to the second, without its offset: pyclowder's offset is wrong in winter, and for zones with fractions of
   * an hour.
   */
  readonly clock: string | undefined;
  /** The same as a number (`wallClockMs`). */
  readonly clockMs: number | undefined;
  /** `start` as written, in Unix milliseconds: as wrong as the offset. */
  readonly statedMs: number | undefined;
  readonly userId: string | undefined;
}

const schema = z.object({
  extractor_id: z.string().min(1).max(1024),
  status: z.string(),
  file_id: wireText,
  job_id: wireText,
  start: wireText,
  message_type: wireText,
  message: z.string().optional().catch(undefined),
  user_id: wireText,
});

/** @returns undefined if the body is not a status message */
export function readStatusMessage(content: Buffer): StatusMessage | undefined {
  const { success, data } = schema.safeParse(parseObject(content));
  if (!success) return undefined;
  const status = readStatus(data.status);
  return {
    jobId: data.job_id,
    extractor: data.extractor_id,
    resourceId: data.file_id,
    word: (data.message_type === undefined ? undefined : statusWord(data.message_type)) ?? status.word,
    message: data.message ?? status.message,
    clock: data.start === undefined ? undefined : wallClock(data.start),
    clockMs: data.start === undefined ? undefined : wallClockMs(data.start),
    statedMs: data.start === undefined ? undefined : timeOf(data.start),
    userId: data.user_id,
  };
}

function timeOf(iso: string): number | undefined {
  const ms = Date.parse(iso);
  return Number.isNaN(ms) ? undefined : ms;
}

/** The same in milliseconds, zone unknown: only for differences. Undefined if it is not a time. */
export function wallClockMs(iso: string): number | undefined {
  return timeOf(`${wallClock(iso)}Z`);
}

/** Date and time of day of an ISO 8601 text, to the second: part of a message's identity, whatever its zone. */
export function wallClock(iso: string): string {
  return iso.replace(' ', 'T').slice(0, 'yyyy-mm-ddThh:mm:ss'.length);
}
