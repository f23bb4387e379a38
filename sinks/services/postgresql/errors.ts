import { DatabaseError } from 'pg';
import type { SendOutcome } from '../../../runtime/sending/outcome.ts';
import { isState, PostgresSetupError } from '../../../runtime/event-table/errors.ts';
import { SinkError } from '../../sink.ts';

/** What a PostgreSQL error means for the batch being stored. */
type Meaning = 'retry' | 'rejected' | 'misconfigured';

/**
 * By SQLSTATE, or its first two characters (PostgreSQL, Appendix A); the longer entry counts. Unlisted errors are retried: they
 * may pass, and nothing is lost.
 */
const MEANINGS: Readonly<Record<string, Meaning>> = {
  '08': 'retry', // connection
  '0A': 'misconfigured', // feature not supported
  '22': 'rejected', // data
  '23': 'rejected', // constraint
  '25': 'retry', // transaction state: a server that became read-only
  '28': 'misconfigured', // authentication
  '3D': 'misconfigured', // no such database
  '3F': 'misconfigured', // no such schema
  '40': 'retry', // rolled back: serialisation, deadlock
  '42': 'misconfigured', // rights; or a table or column that is no longer ours
  '42P07': 'retry', // two created the same table
  '53': 'retry', // resources: disk full, too many connections
  '54': 'rejected', // limits of the program: an index entry too long
  '55': 'retry', // object state: lock not available
  '57': 'retry', // operator: shutting down, starting up, cancelled
};

/**
 * Returns the outcome for a batch that could not be stored.
 *
 * @param blameEvents whether events were being stored; earlier failures are not their fault
 */
export function outcomeOf(error: unknown, { blameEvents }: { readonly blameEvents: boolean }): SendOutcome {
  const meaning = meaningOf(error);
  return { kind: meaning === 'rejected' && !blameEvents ? 'retry' : meaning, reason: reasonOf(error) };
}

function meaningOf(error: unknown): Meaning {
  if (error instanceof PostgresSetupError) return 'misconfigured';
  // The row's partition was dropped after we checked it.
  if (isState(error, '23514') && error.constraint === undefined) return 'retry';
  const state = error instanceof DatabaseError ? (error.code ?? '') : '';
  return MEANINGS[state] ?? MEANINGS[state.slice(0, 2)] ?? 'retry';
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error instanceof AggregateError && error.message === '') return error.errors.map(reasonOf).join('; ');
  return error instanceof DatabaseError ? `${error.message} (SQLSTATE ${error.code ?? 'unknown'})` : error.message;
}

/** The same error, worded for an operator who checks the configuration. */
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
