import type { CounterAnswer, CounterRequest } from './counter.ts';
import type { QuestionError, StatsAnswer } from './answer.ts';
import type { StatsQuery } from './question.ts';

/** What can be asked: figures, or the COUNTER API. */
export type Question = { readonly query: StatsQuery } | { readonly counter: CounterRequest };

/** From the collector to the process that counts. */
export type ToUsage = { readonly ask: number } & Question;

/** How far it has counted. */
export interface UsageState {
  /** The last row of the journal that is in the store; absent where it does not follow the journal. */
  readonly takenRow?: number;
  /** What was accepted until then is in the store; absent until it knows. Unix milliseconds. */
  readonly countedUntilMs?: number;
  /** Rows that the journal had let go of before they were counted. */
  readonly missedRows: number;
  /** Why it does not go on at present. */
  readonly problem?: string;
}

/** From the process that counts to the collector. */
export type FromUsage =
  | { readonly state: UsageState }
  | { readonly answers: number; readonly answer: StatsAnswer }
  | { readonly answers: number; readonly counter: CounterAnswer }
  | { readonly answers: number; readonly code: QuestionError['code']; readonly message: string };
