import type { BatchLimits, SinkEvent } from '../sink.ts';
import type { QueueLink, QueueMessage } from '../queue/message.ts';

/** An event on its way from the queue to the service. */
export interface Entry {
  readonly event: SinkEvent;
  readonly message: QueueMessage;
  readonly link: QueueLink;
  /** Entries with the same key are sent in order; '' for no key. */
  readonly orderKey: string;
  /** Bytes that count towards the limits. */
  readonly size: number;
  /** Unix milliseconds. */
  readonly arrivedMs: number;
  /** How often the service has postponed it. */
  readonly putOff: number;
  /** Earliest time to send it, Unix milliseconds; later entries with the same key wait too. */
  readonly notBeforeMs: number;
}

export interface TakenBatch {
  readonly batch: readonly Entry[];
  readonly rest: readonly Entry[];
  /** The batch is full, so there is nothing to wait for. */
  readonly full: boolean;
  /** When the first postponed entry is due, Unix milliseconds; Infinity if there is none. */
  readonly nextDueMs: number;
}

/**
 * Takes the next batch from the waiting entries: in order, within the limits, but at least one event however large. No id
 * occurs twice in a batch.
 */
export function takeBatch(waiting: readonly Entry[], limits: BatchLimits, nowMs: number): TakenBatch {
  const batch: Entry[] = [];
  const skipped: Entry[] = [];
  const ids = new Set<string>();
  const blocked = new Set<string>();
  let bytes = 0;
  let full = false;
  let nextDueMs = Number.POSITIVE_INFINITY;
  let index = 0;
  for (const entry of waiting) {
    if (entry.notBeforeMs > nowMs || blocked.has(entry.orderKey)) {
      nextDueMs = Math.min(nextDueMs, entry.notBeforeMs > nowMs ? entry.notBeforeMs : nextDueMs);
      if (entry.orderKey !== '') blocked.add(entry.orderKey);
      skipped.push(entry);
    } else {
      full =
        batch.length >= limits.maxEvents ||
        (batch.length > 0 && bytes + entry.size > limits.maxBytes) ||
        ids.has(entry.event.id);
      if (full) break;
      batch.push(entry);
      ids.add(entry.event.id);
      bytes += entry.size;
    }
    index += 1;
  }
  full ||= batch.length >= limits.maxEvents || bytes >= limits.maxBytes;
  return { batch, rest: [...skipped, ...waiting.slice(index)], full, nextDueMs };
}
