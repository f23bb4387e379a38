import type { Job, JobEvent } from './job.ts';

/** An event that waits for its job's downloads. */
interface WaitingEvent {
  readonly event: JobEvent;
  readonly source: 'monitor' | 'rabbitmq';
  readonly dueMs: number;
  /** The job as it was when it ended. */
  readonly job: Job;
}

/** A job in its stored form. */
export interface StoredJob {
  readonly job: Job;
  readonly waiting?: readonly WaitingEvent[] | undefined;
}
