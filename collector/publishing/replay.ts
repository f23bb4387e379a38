import { setTimeout as delay } from 'node:timers/promises';
import { toMessageFromLine } from '../../exporter/message.ts';
import type { Outcome, Publisher } from '../../exporter/publisher.ts';
import type { FlatBody } from '../../taxonomy/flat-body.ts';

/** What became of events that were published again. */
export interface Replayed extends Readonly<Record<Outcome, number>> {
  /** The broker's words for the last one that it can never take. */
  readonly reason: string | undefined;
}

const CONNECT_TIMEOUT_MS = 30_000;
/** How often it is told what is waited for. */
const TELL_EVERY_MS = 500;

/** Whoever wants to know how far it has come. */
export interface ReplayTold {
  /** @param reason what the latest try to connect ended in */
  readonly onWaiting: (reason: string | undefined) => void;
  /** @param count of the events that are confirmed, as it becomes more */
  readonly onConfirmed: (count: number) => void;
}

/**
 * Publishes events again, in their order, and waits for every confirm.
 *
 * @throws Error where no broker takes the connection
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

/** @throws Error where no broker takes the connection */
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
