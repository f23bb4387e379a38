import { toMessageFromLine, type EventMessage } from '../../exporter/message.ts';
import type { OnOutcome, Outcome, Publisher } from '../../exporter/publisher.ts';
import type { HeldReason } from '../journal/journal.ts';

/** The outcome for an event. `dropped`: no queue takes it, and none needs to. */
export type Fate = Outcome | 'dropped';

/** Why an event is held after an outcome; undefined: it is not held. */
export const HELD_FOR = {
  confirmed: undefined,
  dropped: undefined,
  refused: undefined,
  returned: 'unroutable',
  nacked: 'nacked',
} as const satisfies Record<Fate, HeldReason | undefined>;

/** @param onUnroutable ON_UNROUTABLE */
export function fateOf(outcome: Outcome, onUnroutable: 'hold' | 'drop'): Fate {
  return outcome === 'returned' && onUnroutable === 'drop' ? 'dropped' : outcome;
}

/**
 * Publishes the event of a line. If it cannot become a message, it counts as refused by the broker.
 *
 * @returns false if the publisher did not take it: try again after `ready()`
 */
export function publishLine(publisher: Publisher, line: string, onSettled: OnOutcome): boolean {
  let message: EventMessage;
  try {
    message = toMessageFromLine(line);
  } catch (error) {
    queueMicrotask(() => onSettled('refused', String(error)));
    return true;
  }
  return publisher.publish(message, onSettled);
}

/** The event type of a journaled line; '' if none. Quotes within values are escaped, so only the field can match. */
export const typeOf = (line: string): string => /"event":"([^"\\]*)"/.exec(line)?.[1] ?? '';
