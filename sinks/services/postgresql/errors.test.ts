import { DatabaseError } from 'pg';
import { describe, expect, it } from 'vitest';
import { PostgresSetupError } from '../../../runtime/event-table/errors.ts';
import { checkError, outcomeOf } from './errors.ts';

function refusal(state: string, more: Partial<DatabaseError> = {}): DatabaseError {
  const error = new DatabaseError('it said no', 0, 'error');
  return Object.assign(error, { code: state, severity: 'ERROR' }, more);
}

describe('an error of PostgreSQL', () => {
  it.each([
    ['08006', 'retry'],
    ['57P01', 'retry'],
    ['57014', 'retry'],
    ['53100', 'retry'],
    ['53300', 'retry'],
    ['40001', 'retry'],
    ['40P01', 'retry'],
    ['55P03', 'retry'],
    ['25006', 'retry'],
    ['42P07', 'retry'],
    ['XX000', 'retry'],
    ['22P05', 'rejected'],
    ['22021', 'rejected'],
    ['23502', 'rejected'],
    ['54000', 'rejected'],
    ['28P01', 'misconfigured'],
    ['28000', 'misconfigured'],
    ['3D000', 'misconfigured'],
    ['42501', 'misconfigured'],
    ['42P01', 'misconfigured'],
  ])('of state %s means %s', (state, kind) => {
    expect(outcomeOf(refusal(state), { blameEvents: true })).toEqual({
      kind,
      reason: `it said no (SQLSTATE ${state})`,
    });
  });

  it('is retried for a missing partition, and refused for a constraint of the table', () => {
    expect(outcomeOf(refusal('23514'), { blameEvents: true }).kind).toBe('retry');
    expect(outcomeOf(refusal('23514', { constraint: 'mine' }), { blameEvents: true }).kind).toBe('rejected');
  });

  it('never blames events for an error before they were stored', () => {
    expect(outcomeOf(refusal('22023'), { blameEvents: false }).kind).toBe('retry');
  });

  it('is retried if it is from the network or unknown', () => {
    expect(outcomeOf(new Error('Connection terminated unexpectedly'), { blameEvents: true })).toEqual({
      kind: 'retry',
      reason: 'Connection terminated unexpectedly',
    });
    const both = new AggregateError([
      new Error('connect ECONNREFUSED ::1'),
      new Error('connect ECONNREFUSED 127.0.0.1'),
    ]);
    expect(outcomeOf(both, { blameEvents: true }).kind).toBe('retry');
    expect(checkError(both).message).toContain('connect ECONNREFUSED ::1; connect ECONNREFUSED 127.0.0.1');
  });

  it.each([
    [refusal('28P01'), 'unauthorised', 'SINK_POSTGRESQL_URL'],
    [refusal('3D000'), 'not_ready', 'create it'],
    [refusal('42501'), 'not_ready', 'it said no'],
    [refusal('57P03'), 'unreachable', 'cannot be reached'],
    [new PostgresSetupError('newer'), 'not_ready', 'newer'],
    [new Error('getaddrinfo ENOTFOUND db'), 'unreachable', 'ENOTFOUND'],
  ])('says in a check what to do: %s', (error, code, text) => {
    expect(checkError(error)).toMatchObject({ code, message: expect.stringContaining(text) });
  });
});
