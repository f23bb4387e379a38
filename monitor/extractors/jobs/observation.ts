import type { Subject } from '../wire/job-message.ts';
import type { StatusWord } from '../wire/status-words.ts';

interface Seen {
  /** When it was said, Unix milliseconds. */
  readonly atMs: number;
  readonly jobId: string | undefined;
  /** Name of the extractor, its owner's key taken out. */
  readonly extractor: string;
  readonly version: string | undefined;
  readonly userId: string | undefined;
}

/** A job was put into an extractor's queue. */
export interface Submitted extends Seen {
  readonly what: 'submitted';
  readonly subject: Subject;
  readonly resourceName: string | undefined;
  readonly userName: string | undefined;
  /** The extractor put it back: it was queued before. */
  readonly again: boolean;
}

/** An extractor, or Clowder, said something of a job. */
export interface Told extends Seen {
  readonly what: 'told';
  /** What was analysed, in one id of which the message does not say whether it is a file's. */
  readonly resourceId: string | undefined;
  /** The same, if that is known. */
  readonly subject: Subject | undefined;
  readonly word: StatusWord;
  readonly message: string | undefined;
  /** When, as it is written; part of what makes this message that message. */
  readonly clock: string | undefined;
  /**
   * When, by the clock of whoever said it: whole seconds in milliseconds, comparable with others of the job alone, as its zone
   * is not known. Undefined if it says none.
   */
  readonly clockMs: number | undefined;
  /** How long the job took, if Clowder says so. */
  readonly durationMs: number | undefined;
}

/** One thing seen of one job, whoever saw it. */
export type Observation = Submitted | Told;
