import type { MonitorEvent } from '../../telemetry/emit-event.ts';
import type { QueueLength } from './queue-lengths.ts';
import type { ExtractorChange, ExtractorReading } from './registry.ts';

/** The `health.ping` of an extractor: its component is the extractor's name; with what waits in its queue, where that is known. */
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
      target: `extractor ${label}`,
      component: label,
      healthy: alive,
      version,
      queue_length: queue?.messages,
      consumers: queue?.consumers,
      uptime_s: alive ? sinceS : undefined,
      down_for_s: alive ? undefined : sinceS,
      error: alive ? undefined : 'no heartbeat of any instance came in time',
    },
  };
}

/** The same where the extractor has appeared, has gone silent, or is back. */
export function pingOfChange({ extractor, silentMs }: ExtractorChange, nowMs: number): MonitorEvent {
  const ping = pingOf(extractor, undefined, nowMs);
  const downForS = silentMs === undefined ? ping.fields.down_for_s : silentMs / 1000;
  return { ...ping, fields: { ...ping.fields, changed: true, down_for_s: downForS } };
}

/** The queue of what an extractor failed at. It is a reading and no judgement: what is in it, somebody should look at. */
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
