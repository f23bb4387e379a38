import type { Delivery } from '../../instrumentation/telemetry/retrying-sender.ts';

export const waitingOf = (deliveries: readonly Delivery[]): number =>
  deliveries.reduce((sum, { waiting }) => sum + waiting, 0);

/** Lost events by reason. */
export function lostOf(deliveries: readonly Delivery[]): ReadonlyMap<string, number> {
  const sums = new Map<string, number>();
  for (const { lost } of deliveries)
    for (const [reason, count] of Object.entries(lost)) sums.set(reason, (sums.get(reason) ?? 0) + count);
  return sums;
}

/** Whether all deliveries were accepted at the last attempt; undefined before the first one. */
export function reachedOf(deliveries: readonly Delivery[]): boolean | undefined {
  const known = deliveries.flatMap(({ reached }) => reached ?? []);
  return known.length === 0 ? undefined : known.every(Boolean);
}

/** The collector as `/readyz` shows it. Requests pass without it, so it never makes the proxy unready. */
export function collectorCheck(deliveries: readonly Delivery[]): object {
  const ok = reachedOf(deliveries);
  const reason = deliveries.find(({ reached }) => reached === false)?.reason;
  return {
    ...(ok !== undefined && { ok }),
    ...(reason !== undefined && { reason }),
    events_waiting: waitingOf(deliveries),
    events_lost: [...lostOf(deliveries).values()].reduce((sum, count) => sum + count, 0),
  };
}
