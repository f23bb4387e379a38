import { setTimeout as delay } from 'node:timers/promises';
import { toMessageFromLine } from '../../exporter/message.ts';
import type { Outcome, Publisher } from '../../exporter/publisher.ts';
import type { FlatBody } from '../../taxonomy/flat-body.ts';

/** The outcomes of events that were published again. */
export interface Replayed extends Readonly<Record<Outcome, number>> {
  /** The broker's reason for the last event that it refused. */
  readonly reason: string | undefined;
}

const CONNECT_TIMEOUT_MS = 30_000;
/** How often `onWaiting` is called. */
const TELL_EVERY_MS = 500;

/** Callbacks for progress. */
export interface ReplayTold {
  /** @param reason why the latest attempt to connect failed */
  readonly onWaiting: (reason: string | undefined) => void;
  /** @param count how many events are confirmed so far */
  readonly onConfirmed: (count: number) => void;
}

/**
 * Publishes events again, in order, and waits for every confirm.
 *
 * @throws Error if no broker takes the connection
 */
export async function replay(
  events: Iterable<FlatBody>,
  publisher: Publisher,
  { onWaiting, onConfirmed }: ReplayTold,
): Promise<Replayed> {
  await connected(publisher, onWaiting);
  const counts: Record<Outcome, number> = { confirmed: 0, returned: 0, nacked: 0, refused: 0 };
  let reason: string | undefined;
  const outstanding = new Set<Promise<void>>();
  for (const event of events) {
    const settled = Promise.withResolvers<void>();
    const done = (outcome: Outcome, why?: string): void => {
      counts[outcome] += 1;
      reason = why ?? reason;
      onConfirmed(counts.confirmed);
      settled.resolve();
    };
    const message = toMessageFromLine(JSON.stringify(event));
    while (!publisher.publish(message, done)) await publisher.ready();
    outstanding.add(settled.promise);
    void settled.promise.then(() => outstanding.delete(settled.promise));
  }
  await Promise.all(outstanding);
  return { ...counts, reason };
}

/** @throws Error if no broker takes the connection */
export async function connected(
  publisher: Publisher,
  onWaiting: ReplayTold['onWaiting'] = () => undefined,
): Promise<void> {
  const patience = new AbortController();
  const lastReason = (): string | undefined => publisher.state.lastError?.message;
  const telling = setInterval(() => onWaiting(lastReason()), TELL_EVERY_MS);
  const ready = await Promise.race([
    publisher.ready().then(() => true),
    delay(CONNECT_TIMEOUT_MS, false, { signal: patience.signal }).catch(() => false),
  ]);
  clearInterval(telling);
  patience.abort();
  if (!ready)
    throw new Error(
      `No broker took the connection within ${CONNECT_TIMEOUT_MS / 1000} s: ${lastReason() ?? 'no answer'}`,
    );
}
