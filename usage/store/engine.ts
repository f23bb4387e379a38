import type { Dialect } from '../rules/dialect.ts';

/** A row of an answer: whole numbers are numbers, whatever type the engine has. */
export type AnswerRow = Readonly<Record<string, string | number | boolean | null>>;

/** A database for the rules. */
export interface Engine {
  readonly dialect: Dialect;
  /** Rows of one SELECT. */
  query<Row extends AnswerRow = AnswerRow>(sql: string): Promise<readonly Row[]>;
  /** Statements without an answer, in order; if one fails, none takes effect. */
  run(...statements: readonly string[]): Promise<void>;
  /** All of the work or none of it; nothing else runs at the same time. */
  inTransaction<T>(work: (engine: Engine) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}
