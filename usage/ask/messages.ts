import type { CounterAnswer, CounterRequest } from './counter.ts';
import type { QuestionError, StatsAnswer } from './answer.ts';
import type { Badge } from './badge.ts';
import type { StatsQuery } from './question.ts';

/** A question: for figures, with or without names; to the COUNTER API; or for a dataset's public counter. */
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

/** Something is no longer counted, or suddenly counted differently. */
export interface UsageAlert {
  readonly kind: (typeof ALERT_KINDS)[number];
  /** The event type, the source or the share. */
  readonly name: string;
  /** An explanation for people. */
  readonly text: string;
}

/** How far counting has come. */
export interface UsageState {
  /** The last journal row in the store; absent if the process does not follow the journal. */
  readonly takenRow?: number;
  /** The store holds everything accepted until then, in Unix milliseconds; absent while unknown. */
  readonly countedUntilMs?: number;
  /** Rows that the journal deleted before they were counted. */
  readonly missedRows: number;
  readonly alerts?: readonly UsageAlert[];
  /** Why counting does not go on at present. */
  readonly problem?: string;
}

/** From the process that counts to the collector. */
export type FromUsage =
  | { readonly state: UsageState }
  | { readonly answers: number; readonly answer: StatsAnswer }
  | { readonly answers: number; readonly counter: CounterAnswer }
  /** Null if the dataset is not known to be open to all. */
  | { readonly answers: number; readonly badge: Badge | null }
  | { readonly answers: number; readonly code: QuestionError['code']; readonly message: string };
