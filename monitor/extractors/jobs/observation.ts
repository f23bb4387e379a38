import type { Subject } from '../wire/job-message.ts';
import type { StatusWord } from '../wire/status-words.ts';

interface Seen {
  /** When it was said, in Unix milliseconds. */
  readonly atMs: number;
  readonly jobId: string | undefined;
  /** Name of the extractor, without its owner's key. */
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

/** An extractor or Clowder reported on a job. */
export interface Told extends Seen {
  readonly what: 'told';
  /** The id of the input; the message does not say whether it is a file's. */
  readonly resourceId: string | undefined;
  /** The file or dataset, if known. */
  readonly subject: Subject | undefined;
  readonly word: StatusWord;
  readonly message: string | undefined;
  /** The time as written; part of the message's identity. */
  readonly clock: string | undefined;
  /**
   * The time by the sender's clock: whole seconds, as milliseconds. Its zone is unknown, so it compares only within the
   * job. Undefined if there is none.
   */
  readonly clockMs: number | undefined;
  /** How long the job took, if Clowder says so. */
  readonly durationMs: number | undefined;
}

/** One observation of one job, by any observer. */
export type Observation = Submitted | Told;
