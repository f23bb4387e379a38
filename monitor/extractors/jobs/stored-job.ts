import type { Job, JobEvent } from './job.ts';

/** An event that waits for the downloads of its job, which take another way here. */
interface WaitingEvent {
  readonly event: JobEvent;
  readonly source: 'monitor' | 'rabbitmq';
  readonly dueMs: number;
  /** The job as it was when it ended. */
  readonly job: Job;
}

/** A job as it is kept. */
export interface StoredJob {
  readonly job: Job;
  readonly waiting?: readonly WaitingEvent[] | undefined;
}
