import { toMessageFromLine, type EventMessage } from '../../exporter/message.ts';
import type { OnOutcome, Outcome, Publisher } from '../../exporter/publisher.ts';
import type { HeldReason } from '../journal/journal.ts';

/** What became of an event. `dropped`: no queue takes it, and none needs to. */
export type Fate = Outcome | 'dropped';

/** What an event is held for after that; undefined: it is not. */
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
 * Publishes the event of a line. One of which no message can be made is refused like one that the broker refuses.
 *
 * @returns false where it was not taken: try again after `ready()`
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

/** The event type of a journaled line; '' for none. Within a value, quotes are escaped: the name stands nowhere else. */
export const typeOf = (line: string): string => /"event":"([^"\\]*)"/.exec(line)?.[1] ?? '';
