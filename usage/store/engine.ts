import type { Dialect } from '../rules/dialect.ts';

/** A row of an answer: whole numbers are numbers, whatever the engine's type. */
export type AnswerRow = Readonly<Record<string, string | number | boolean | null>>;

/** A database that the rules are asked in. */
export interface Engine {
  readonly dialect: Dialect;
  /** Rows of one SELECT. */
  query<Row extends AnswerRow = AnswerRow>(sql: string): Promise<readonly Row[]>;
  /** Statements without an answer, in order: all of them or, where one fails, none. */
  run(...statements: readonly string[]): Promise<void>;
  /** All of the work or none of it; nothing else runs meanwhile. */
  inTransaction<T>(work: (engine: Engine) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}
