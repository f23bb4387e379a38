import { idempotentEventId } from '../../taxonomy/event-id.ts';
import type { EventIssue } from '../../taxonomy/check-draft.ts';
import type { MapContext } from '../../taxonomy/map/context.ts';
import { mapInSlices } from '../slices.ts';
import type { Candidate } from '../../taxonomy/map/candidate.ts';
import { checkStated, type Poster } from '../../taxonomy/stated.ts';
import { randomUUID } from 'node:crypto';
import type { Intake } from './intake.ts';

export interface StatedEvent {
  readonly value: unknown;
  /** Used if the event has no `event_id`. */
  readonly eventId?: string;
}

export type StatedVerdict =
  | { readonly ok: true; readonly id: string; readonly duplicate: boolean }
  | { readonly ok: false; readonly issues: readonly EventIssue[] };

/**
 * Checks posted events and journals the valid ones. Invalid ones are not kept: the answer reports them, and `onRefused`
 * counts them.
 *
 * @throws CollectorError journal_full or journal_unavailable
 */
export async function acceptStated(
  events: readonly StatedEvent[],
  poster: Omit<Poster, 'eventId'>,
  context: MapContext,
  intake: Intake,
  onRefused: (source: string, count: number) => void,
): Promise<readonly StatedVerdict[]> {
  const checked = await mapInSlices(events, ({ value, eventId }) =>
    checkStated(value, { ...poster, eventId: eventId ?? randomUUID() }, context),
  );
  const candidates = checked.flatMap((one, index): Candidate[] => {
    if (!one.ok) return [];
    const producer = statesId(events[index]?.value) ? poster.producer : undefined;
    return [{ body: one.body, waits: false, strong: false, producer }];
  });
  const verdicts = await intake.submit(candidates);
  if (candidates.length < checked.length) onRefused(poster.source, checked.length - candidates.length);
  let next = 0;
  return checked.map((one) => {
    if (!one.ok) return { ok: false, issues: one.issues };
    const duplicate = verdicts[next] === 'duplicate';
    const candidate = candidates[next];
    next += 1;
    return { ok: true, id: candidate === undefined ? one.body.event_id : intake.idOf(candidate), duplicate };
  });
}

function statesId(value: unknown): boolean {
  const states = typeof value === 'object' && value !== null && 'event_id' in value && value.event_id !== null;
  return states && value.event_id !== undefined;
}

/**
 * Ids for the events of a request under an `Idempotency-Key`.
 *
 * @param scope the name of the API key, and the endpoint
 */
export function idsOf(scope: string, idempotencyKey: string, count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => idempotentEventId(scope, idempotencyKey, index));
}
