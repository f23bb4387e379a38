import { DatabaseError } from 'pg';

/** A setting or right is missing; the message says what to do. */
export class PostgresSetupError extends Error {
  override readonly name = 'PostgresSetupError';
  readonly code = 'POSTGRESQL_SETUP';
}

/** Whether the error has that class or state. */
export function isState(error: unknown, ...states: readonly string[]): error is DatabaseError {
  return error instanceof DatabaseError && states.some((state) => error.code?.startsWith(state) === true);
}
