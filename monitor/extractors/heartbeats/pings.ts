import type { MonitorEvent } from '../../telemetry/emit-event.ts';
import type { HealthState } from '../../state/health-state.ts';
import type { QueueLength } from './queue-lengths.ts';
import type { ExpectedExtractor, ExtractorChange, ExtractorReading } from './registry.ts';

/** Whether an extractor works, as reported to people. */
export interface Judgement {
  readonly target: string;
  readonly component: string;
  readonly healthy: boolean;
  /** Why it is unhealthy. */
  readonly error?: string;
}

const SILENT = 'no heartbeat of any instance came in time';

/**
 * Judges extractors by name: an extractor is up while any of its queues has a living instance. Private extractors are
 * left out: their owners start and stop them at will.
 */
export function judge(readings: readonly ExtractorReading[]): readonly Judgement[] {
  const alive = new Map<string, boolean>();
  for (const { queue, label, alive: isAlive } of readings)
    if (!queue.startsWith('private.')) alive.set(label, isAlive || alive.get(label) === true);
  return Array.from(alive, ([label, healthy]) => {
    const about = { target: targetOf(label), component: label, healthy };
    return healthy ? about : { ...about, error: SILENT };
  });
}

const TARGET = 'extractor ';
const targetOf = (label: string): string => TARGET + label;

/** Returns the extractors that were up at the last judgement. @param judged by target */
export function expectedOf(judged: ReadonlyMap<string, HealthState>): readonly ExpectedExtractor[] {
  return [...judged].flatMap(([target, { status, sinceMs }]) =>
    status === 'up' && target.startsWith(TARGET) ? [{ label: target.slice(TARGET.length), sinceMs }] : [],
  );
}

/** The `health.ping` of an extractor: its component is the extractor's name; it includes the queue length, if known. */
export function pingOf(
  { label, alive, version, sinceMs }: ExtractorReading,
  queue: QueueLength | undefined,
  nowMs: number,
): MonitorEvent {
  const sinceS = Math.max(0, nowMs - sinceMs) / 1000;
  return {
    type: 'health.ping',
    createdMs: nowMs,
    fields: {
      target: targetOf(label),
      component: label,
      healthy: alive,
      version,
      queue_length: queue?.messages,
      consumers: queue?.consumers,
      messages_unacknowledged: queue?.unacknowledged,
      uptime_s: alive ? sinceS : undefined,
      down_for_s: alive ? undefined : sinceS,
      error: alive ? undefined : SILENT,
    },
  };
}

/** The same, if the extractor appeared, went silent or came back. */
export function pingOfChange({ extractor, silentMs }: ExtractorChange, nowMs: number): MonitorEvent {
  const ping = pingOf(extractor, undefined, nowMs);
  const downForS = silentMs === undefined ? ping.fields.down_for_s : silentMs / 1000;
  return { ...ping, fields: { ...ping.fields, changed: true, down_for_s: downForS } };
}

/**
 * Reports the queue of jobs that an extractor failed at. It is only a reading, not a judgement: an operator should look at
 * those jobs.
 */
export function pingOfErrorQueue({ label }: ExtractorReading, queue: QueueLength, nowMs: number): MonitorEvent {
  const { messages, consumers } = queue;
  return {
    type: 'health.ping',
    createdMs: nowMs,
    fields: {
      target: `queue error.${label}`,
      component: label,
      healthy: true,
      queue_length: messages,
      consumers,
    },
  };
}
