import { DatabaseError } from 'pg';
import type { SendOutcome } from '../../../runtime/sending/outcome.ts';
import { isState, PostgresSetupError } from '../../../runtime/event-table/errors.ts';
import { SinkError } from '../../sink.ts';

/** What an error of PostgreSQL means for a batch that was being stored. */
type Meaning = 'retry' | 'rejected' | 'misconfigured';

/**
 * By SQLSTATE, or its first two characters (PostgreSQL, Appendix A). The longer entry counts. What is not here is tried
 * again: it may pass, and nothing is lost by it.
 */
const MEANINGS: Readonly<Record<string, Meaning>> = {
  '08': 'retry', // connection
  '0A': 'misconfigured', // feature not supported
  '22': 'rejected', // data
  '23': 'rejected', // constraint
  '25': 'retry', // transaction state: a server that became read-only
  '28': 'misconfigured', // who we say we are
  '3D': 'misconfigured', // no such database
  '3F': 'misconfigured', // no such schema
  '40': 'retry', // rolled back: serialisation, deadlock
  '42': 'misconfigured', // rights; a table or column that is not ours any more
  '42P07': 'retry', // two made the same table
  '53': 'retry', // resources: disk full, too many connections
  '54': 'rejected', // limits of the program: an index entry too long
  '55': 'retry', // object state: lock not available
  '57': 'retry', // operator: shutting down, starting up, cancelled
};

/**
 * What became of a batch whose storing failed.
 *
 * @param blameEvents whether events were being stored: what fails before that is not their fault
 */
export function outcomeOf(error: unknown, { blameEvents }: { readonly blameEvents: boolean }): SendOutcome {
  const meaning = meaningOf(error);
  return { kind: meaning === 'rejected' && !blameEvents ? 'retry' : meaning, reason: reasonOf(error) };
}

function meaningOf(error: unknown): Meaning {
  if (error instanceof PostgresSetupError) return 'misconfigured';
  // No partition for the row: it was dropped after we had looked.
  if (isState(error, '23514') && error.constraint === undefined) return 'retry';
  const state = error instanceof DatabaseError ? (error.code ?? '') : '';
  return MEANINGS[state] ?? MEANINGS[state.slice(0, 2)] ?? 'retry';
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error instanceof AggregateError && error.message === '') return error.errors.map(reasonOf).join('; ');
  return error instanceof DatabaseError ? `${error.message} (SQLSTATE ${error.code ?? 'unknown'})` : error.message;
}

/** The same error as an operator who checks the configuration should read it. */
export function checkError(error: unknown): SinkError {
  if (error instanceof SinkError) return error;
  const reason = reasonOf(error);
  const options = { cause: error };
  if (isState(error, '28'))
    return new SinkError('unauthorised', `${reason}: look at user and password in SINK_POSTGRESQL_URL`, options);
  if (isState(error, '3D'))
    return new SinkError('not_ready', `${reason}: create it, as in docs/sinks/postgresql.md`, options);
  if (error instanceof PostgresSetupError || (error instanceof DatabaseError && !isState(error, '08', '53', '57')))
    return new SinkError('not_ready', reason, options);
  return new SinkError('unreachable', `PostgreSQL cannot be reached: ${reason}`, options);
}
