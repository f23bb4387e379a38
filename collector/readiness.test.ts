import { expect, test } from 'vitest';
import { BrokerError } from '../runtime/amqp/broker-error.ts';
import type { PublisherState } from '../exporter/publisher.ts';
import type { JournalStats } from './journal/journal.ts';
import { readinessOf, type Readiness } from './readiness.ts';

interface Situation {
  readonly stats?: Partial<JournalStats>;
  readonly state?: Partial<PublisherState>;
  readonly failure?: string;
}

function readiness({ stats = {}, state = {}, failure }: Situation): Readiness {
  return readinessOf(
    {
      stats: () => ({ bytes: 400, maxBytes: 1000, lastRow: 3, backlogBytes: 100, rejected: 2, commits: 7, ...stats }),
    },
    {
      state: { connected: true, blocked: false, broker: 'amqp://h', unconfirmed: 4, lastError: undefined, ...state },
    },
    failure,
    5,
  );
}

test('all is well: ready, with the figures and no reasons', () => {
  expect(readiness({})).toEqual({
    status: 'ready',
    checks: {
      journal: { ok: true, bytes: 400, max_bytes: 1000, rejected: 2 },
      broker: { ok: true, broker: 'amqp://h', unconfirmed: 4 },
      backlog: { ok: true, bytes: 100, waiting: 5 },
    },
  });
});

const lastError = new BrokerError('connection_refused', 'Nobody listens at amqp://h');

test.each<
  [what: string, situation: Situation, status: Readiness['status'], check: keyof Readiness['checks'], reason: RegExp]
>([
  ['no broker yet', { state: { connected: false } }, 'degraded', 'broker', /^Not connected yet$/],
  ['no broker', { state: { connected: false, lastError } }, 'degraded', 'broker', /^Nobody listens at amqp:\/\/h$/],
  ['a broker that blocks', { state: { blocked: true } }, 'degraded', 'broker', /^RabbitMQ has blocked publishers/],
  ['a backlog of more than half', { stats: { backlogBytes: 510 } }, 'degraded', 'backlog', /take 51 % of the journal$/],
  [
    'a full journal',
    { stats: { backlogBytes: 990, refusal: { code: 'journal_full', message: 'The journal is full: …' } } },
    'unavailable',
    'journal',
    /^The journal is full of events that no broker took: see to the broker, or raise JOURNAL_MAX_BYTES$/,
  ],
  [
    'a disk that takes nothing',
    { stats: { refusal: { code: 'journal_unavailable', message: 'The journal cannot be written: disk full' } } },
    'unavailable',
    'journal',
    /^The journal cannot be written: disk full$/,
  ],
  ['a writer that is gone', { failure: 'The journal failed: x' }, 'unavailable', 'journal', /^The journal failed: x$/],
])('%s: says so, and whether events are still taken', (_, situation, status, check, reason) => {
  const found = readiness(situation);
  expect(found.status).toBe(status);
  expect(found.checks[check]).toMatchObject({ ok: false, reason: expect.stringMatching(reason) as string });
  for (const one of Object.values(found.checks)) expect(one.ok).toBe(one.reason === undefined);
});

test('a backlog of exactly half is not worth telling of', () => {
  expect(readiness({ stats: { backlogBytes: 500 } }).status).toBe('ready');
});
