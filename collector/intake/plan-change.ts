import type { Rejection } from '../../taxonomy/map/candidate.ts';
import type { JournalChange } from '../journal/journal.ts';
import type { Sliced } from '../slices.ts';
import type { EventFolder } from './event-folder.ts';
import type { IntakePlan } from './intake-plan.ts';
import { toRejectedRecord } from './rejected-record.ts';
import type { WaitingRoom } from './waiting-room.ts';

export interface PlanParts {
  readonly folder: EventFolder;
  readonly waiting: WaitingRoom;
  /** How long the journal keeps keys that no event restores. */
  readonly windowMs: number;
}

/** @returns what a plan and its rejected records change in the journal; undefined for no change */
export function* changeOf(
  plan: IntakePlan,
  { folder, waiting, windowMs }: PlanParts,
  rejected: readonly Rejection[],
  origin: string,
  now: number,
): Sliced<JournalChange | undefined> {
  const { append, keys } = plan;
  if (plan.onlyAppends && rejected.length === 0)
    return append.length === 0 ? undefined : keys.length === 0 ? { append } : { append, keys };
  const remembered = { dueMs: now + windowMs, reason: 'remembered', attempts: 0 } as const;
  const gathered = yield* folder.changesOf(plan);
  const hold = [
    ...plan.hold,
    ...gathered.hold,
    ...plan.remembered.map((line) => ({ ...remembered, line })),
    ...plan.rememberedUntil.map((until) => ({ ...remembered, ...until })),
  ];
  const unhold = [...waiting.heldIdsOf(plan.released), ...gathered.unhold];
  if (append.length + hold.length + unhold.length + rejected.length === 0) return undefined;
  const reject: ReturnType<typeof toRejectedRecord>[] = [];
  for (const one of rejected) {
    reject.push(toRejectedRecord(one, origin, now));
    yield;
  }
  return {
    ...(append.length > 0 && { append }),
    ...(keys.length > 0 && append.length > 0 && { keys }),
    ...(hold.length > 0 && { hold }),
    ...(unhold.length > 0 && { unhold }),
    ...(reject.length > 0 && { reject }),
  };
}
