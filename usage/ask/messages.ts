import type { CounterAnswer, CounterRequest } from './counter.ts';
import type { QuestionError, StatsAnswer } from './answer.ts';
import type { Badge } from './badge.ts';
import type { StatsQuery } from './question.ts';

/** What can be asked: figures, with or without names; the COUNTER API; or the public counter of a dataset. */
export type Question =
  | { readonly query: StatsQuery; readonly named: boolean }
  | { readonly counter: CounterRequest }
  | { readonly badge: string };

/** From the collector to the process that counts. */
export type ToUsage = { readonly ask: number } & Question;

export const ALERT_KINDS = [
  'type_stopped',
  'source_stopped',
  'all_stopped',
  'bots_jumped',
  'unattributed_jumped',
] as const;

/** Something that is not counted any more, or differently all at once. */
export interface UsageAlert {
  readonly kind: (typeof ALERT_KINDS)[number];
  /** The event type, the source, or the share. */
  readonly name: string;
  /** What it is, for people. */
  readonly text: string;
}

/** How far it has counted. */
export interface UsageState {
  /** The last row of the journal that is in the store; absent where it does not follow the journal. */
  readonly takenRow?: number;
  /** What was accepted until then is in the store; absent until it knows. Unix milliseconds. */
  readonly countedUntilMs?: number;
  /** Rows that the journal had let go of before they were counted. */
  readonly missedRows: number;
  readonly alerts?: readonly UsageAlert[];
  /** Why it does not go on at present. */
  readonly problem?: string;
}

/** From the process that counts to the collector. */
export type FromUsage =
  | { readonly state: UsageState }
  | { readonly answers: number; readonly answer: StatsAnswer }
  | { readonly answers: number; readonly counter: CounterAnswer }
  /** Null where the dataset is not open to all, or nobody knows that it is. */
  | { readonly answers: number; readonly badge: Badge | null }
  | { readonly answers: number; readonly code: QuestionError['code']; readonly message: string };
