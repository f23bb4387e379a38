import type { EventFields } from './telemetry/emit-event.ts';

/** Fields of health.ping that a probe can measure. */
export type Measures = Pick<
  EventFields,
  | 'status_code'
  | 'response_time_ms'
  | 'dns_time_ms'
  | 'connect_time_ms'
  | 'tls_time_ms'
  | 'first_byte_time_ms'
  | 'response_time_avg'
  | 'response_time_min'
  | 'response_time_max'
  | 'response_time_loss'
  | 'bytes'
  | 'download_rate'
  | 'queue_length'
  | 'consumers'
  | 'messages_unacknowledged'
  | 'publish_rate'
  | 'deliver_rate'
  | 'memory_alarm'
  | 'disk_alarm'
  | 'broker_connections'
  | 'blocked_connections'
  | 'disk_free_bytes'
  | 'disk_total_bytes'
  | 'disk_used_percent'
  | 'reported_uptime_s'
  | 'version'
  | 'tls_days_left'
>;

/** What a probe found about one target at one time. */
export interface Reading {
  /** What was probed, without secrets: a URL, `host:port`, a queue, a path. */
  readonly target: string;
  readonly healthy: boolean;
  /** Why it is not healthy, for people; no secrets. */
  readonly error?: string | undefined;
  readonly measures: Measures;
}

/** A way of probing something. */
export interface Probe {
  /** The target that counts as down if there is no answer in time. */
  readonly target: string;
  /**
   * One try. The target may be in any state: that is a reading, not an error.
   *
   * @param signal aborts at the time-out; an exception becomes a bad reading of `target`
   * @returns one reading, or one for each part of the target; the same targets each time, as far as they can be seen
   */
  run(signal: AbortSignal): Promise<readonly Reading[]>;
}
