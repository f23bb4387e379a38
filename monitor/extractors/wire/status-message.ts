import { z } from 'zod';
import { parseObject, wireText } from './json-object.ts';
import { readStatus, statusWord, type StatusWord } from './status-words.ts';

/** What an extractor tells Clowder of a job (reference of pyclowder 2 and 3; the same for Clowder v1 and v2). */
export interface StatusMessage {
  readonly jobId: string | undefined;
  readonly extractor: string;
  /** `file_id` on the wire; the id of a dataset if that is what was analysed. */
  readonly resourceId: string | undefined;
  readonly word: StatusWord;
  readonly message: string | undefined;
  /** `start` to the second without its offset: pyclowder's offset is wrong in winter, and where it is no whole hour. */
  readonly clock: string | undefined;
  /** The same, to reckon with (`wallClockMs`). */
  readonly clockMs: number | undefined;
  /** `start` as it is written, Unix milliseconds: as wrong as the offset. */
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

/** @returns undefined if the body is no status message */
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

/** The same as a number of milliseconds, its zone unknown: for differences. Undefined if it is no time. */
export function wallClockMs(iso: string): number | undefined {
  return timeOf(`${wallClock(iso)}Z`);
}

/** The date and time of day of an ISO 8601 text, to the second; what makes a message that message, whatever its zone. */
export function wallClock(iso: string): string {
  return iso.replace(' ', 'T').slice(0, 'yyyy-mm-ddThh:mm:ss'.length);
}
