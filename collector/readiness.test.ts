import { expect, test } from 'vitest';
import { BrokerError } from '../runtime/amqp/broker-error.ts';
import type { PublisherState } from '../exporter/publisher.ts';
import type { JournalStats } from './journal/journal.ts';
import type { HeldState } from './publishing/held-groups.ts';
import { readinessOf, type Readiness } from './readiness.ts';

interface Situation {
  readonly stats?: Partial<JournalStats>;
  readonly state?: Partial<PublisherState>;
  readonly failure?: string;
  readonly lost?: string;
  readonly held?: Partial<HeldState>;
}

const NONE = { events: 0, oldestMs: undefined };

function readiness({ stats = {}, state = {}, failure, lost, held = {} }: Situation): Readiness {
  const well = { bytes: 400, maxBytes: 1000, lastRow: 3, backlogBytes: 100, rejected: 2, unpublishable: 0, commits: 7 };
  return readinessOf({
    journal: { stats: () => ({ ...well, ...stats }) },
    publisher: {
      state: { connected: true, blocked: false, broker: 'amqp://h', unconfirmed: 4, lastError: undefined, ...state },
    },
    held: { unroutable: NONE, nacked: NONE, ...held },
    waiting: 5,
    failure,
    lost,
    nowMs: 100_000,
  });
}

test('if all is well: ready, with the figures and no reasons', () => {
  expect(readiness({})).toEqual({
    status: 'ready',
    checks: {
      journal: { ok: true, bytes: 400, max_bytes: 1000, rejected: 2 },
      history: { ok: true },
      broker: { ok: true, broker: 'amqp://h', unconfirmed: 4 },
      backlog: { ok: true, bytes: 100, waiting: 5 },
      unroutable: { ok: true, events: 0 },
      nacked: { ok: true, events: 0 },
      unpublishable: { ok: true, events: 0 },
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
    'events that no queue takes',
    { held: { unroutable: { events: 7, oldestMs: 40_000 } } },
    'degraded',
    'unroutable',
    /^Events are held: 7, for up to 60 s\. No queue is bound that takes them: bind one to clowder\.events/,
  ],
  [
    'events that a full queue refuses',
    { held: { nacked: { events: 2, oldestMs: 99_000 } } },
    'degraded',
    'nacked',
    /^Events are held: 2, for up to 1 s\. A queue that is bound refuses them, because it is full/,
  ],
  [
    'events that RabbitMQ refuses for good',
    { stats: { unpublishable: 3 } },
    'degraded',
    'unpublishable',
    /^Events that RabbitMQ refuses for good: 3, kept in the rejected store\. "rejected list" says why/,
  ],
  [
    'a full journal',
    { stats: { backlogBytes: 990, refusal: { code: 'journal_full', message: 'The journal is full: …' } } },
    'unavailable',
    'journal',
    /^The journal is full of events that wait for the broker\. Check the broker, or raise JOURNAL_MAX_BYTES$/,
  ],
  [
    'a disk that accepts nothing',
    { stats: { refusal: { code: 'journal_unavailable', message: 'The journal cannot be written: disk full' } } },
    'unavailable',
    'journal',
    /^The journal cannot be written: disk full$/,
  ],
  ['a journal that was truncated', { lost: 'It is cut' }, 'degraded', 'history', /^It is cut$/],
  ['a writer that is gone', { failure: 'The journal failed: x' }, 'unavailable', 'journal', /^The journal failed: x$/],
])('%s: says so, and whether events are still accepted', (_, situation, status, check, reason) => {
  const found = readiness(situation);
  expect(found.status).toBe(status);
  expect(found.checks[check]).toMatchObject({ ok: false, reason: expect.stringMatching(reason) as string });
  for (const one of Object.values(found.checks)) expect(one.ok).toBe(one.reason === undefined);
});

test('a backlog of exactly half is not reported', () => {
  expect(readiness({ stats: { backlogBytes: 500 } }).status).toBe('ready');
});
