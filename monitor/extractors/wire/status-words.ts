import type { EventType } from '../../../taxonomy/index.ts';

export type ExtractionEventType = Extract<EventType, `extraction.${string}`>;

/** A message about a job, in a word: `status` of the event. */
export type StatusWord =
  | 'submitted'
  | 'start'
  | 'processing'
  | 'retry'
  | 'done'
  | 'skip'
  | 'error'
  | 'cancel requested'
  | 'cancel failed'
  | 'cancelled';

interface Meaning {
  readonly word: StatusWord;
  /** Its spellings, in lower case: pyclowder's name, its value, and Clowder v1's own rows. */
  readonly written: readonly string[];
  readonly event: ExtractionEventType;
}

/**
 * All statuses (pyclowder's `StatusMessage`; v1 adds rows to its list of extractions). A retry is not a failure: the
 * job goes back to its queue. A skipped job is over, and pyclowder says `done` after `skip`. A cancelled one was
 * removed from its queue before an extractor took it.
 */
const MEANINGS: readonly Meaning[] = [
  { word: 'submitted', written: ['submitted', 'created'], event: 'extraction.queued' },
  { word: 'start', written: ['statusmessage.start', 'started'], event: 'extraction.working' },
  { word: 'processing', written: ['statusmessage.processing', 'processing'], event: 'extraction.working' },
  { word: 'retry', written: ['statusmessage.retry', 'resubmitted'], event: 'extraction.working' },
  { word: 'done', written: ['statusmessage.done', 'succeeded', 'done'], event: 'extraction.done' },
  { word: 'skip', written: ['statusmessage.skip', 'skipped'], event: 'extraction.done' },
  { word: 'error', written: ['statusmessage.error', 'error'], event: 'extraction.failed' },
  { word: 'cancel requested', written: ['cancel requested'], event: 'extraction.working' },
  { word: 'cancel failed', written: ['cancel failed'], event: 'extraction.working' },
  { word: 'cancelled', written: ['cancel success'], event: 'extraction.failed' },
];

const BY_WRITTEN: ReadonlyMap<string, StatusWord> = new Map(
  MEANINGS.flatMap(({ word, written }) => written.map((one) => [one, word] as const)),
);
const EVENT_OF = new Map(MEANINGS.map(({ word, event }) => [word, event]));

export function eventOfStatus(word: StatusWord): ExtractionEventType {
  return EVENT_OF.get(word) ?? 'extraction.working';
}

/** The word with this spelling, in either case; undefined if there is none. */
export function statusWord(written: string): StatusWord | undefined {
  return BY_WRITTEN.get(written.trim().toLowerCase());
}

/** A message without a status: Clowder v2 stores a job's first message in this form. */
const STARTED_TEXT = 'Started processing.';

/**
 * Splits a status: `StatusMessage.start: Started processing.`, `STARTED: …`, or v1's bare `DONE`. Anything else is
 * progress in the extractor's own words, as it is for Clowder.
 */
export function readStatus(status: string): { readonly word: StatusWord; readonly message: string | undefined } {
  const whole = statusWord(status);
  if (whole !== undefined) return { word: whole, message: undefined };
  const colon = status.indexOf(':');
  const word = colon === -1 ? undefined : statusWord(status.slice(0, colon));
  if (word !== undefined) return { word, message: status.slice(colon + 1).trim() || undefined };
  return { word: status === STARTED_TEXT ? 'start' : 'processing', message: status || undefined };
}
