import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { startCollector, type CollectorProcess } from '../../support/collector-process.ts';
import { waitFor } from '../../support/wait-for.ts';

const AWAY = 'amqp://127.0.0.1:1';

async function post(collector: CollectorProcess, count: number, from = 0): Promise<void> {
  const events = Array.from({ length: count }, (_, index) => ({
    event: 'view.resource',
    event_id: `view-${from + index}`,
    created: Date.UTC(2026, 9, 5) + (from + index) * 60_000,
    resource_type: 'dataset',
    resource_id: `d${index % 3}`,
    user_id: 'ana',
  }));
  const answer = await fetch(`${collector.url}/api/v1/events`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(events),
  });
  expect(answer.status).toBe(202);
}

async function views(collector: CollectorProcess): Promise<number | undefined> {
  const answer = await fetch(`${collector.url}/api/v1/stats?metric=views&from=2026-10&to=2026-10`);
  if (!answer.ok) return undefined;
  return ((await answer.json()) as { totals: { views: number } }).totals.views;
}

const counted = (collector: CollectorProcess, count: number): Promise<boolean> =>
  waitFor(async () => (await views(collector)) === count, { what: `${count} views to be counted` });

interface UsageCheck {
  readonly ok: boolean;
  readonly counted_until: string | null;
  readonly reason?: string;
}

async function usageCheck(collector: CollectorProcess): Promise<UsageCheck> {
  const answer = await fetch(`${collector.url}/readyz`);
  return ((await answer.json()) as { checks: { usage: UsageCheck } }).checks.usage;
}

/** The process that counts: the collector's only child. */
const childOf = (collector: CollectorProcess): number =>
  Number(readFileSync(`/proc/${collector.pid}/task/${collector.pid}/children`, 'utf8').trim());

test('the collector counts accepted events once, even if the counting process is killed, and after a restart', async () => {
  await using collector = await startCollector({ amqpUrl: AWAY, env: { USAGE: 'on' } });
  await post(collector, 30);
  await counted(collector, 30);
  const until = (await usageCheck(collector)).counted_until;
  expect(Date.parse(until ?? '')).toBeGreaterThan(Date.UTC(2026, 0));

  // Intake goes on while nothing counts, and the check reports it.
  process.kill(childOf(collector), 'SIGKILL');
  await post(collector, 20, 30);
  await waitFor(async () => (await usageCheck(collector)).reason?.includes('SIGKILL'), {
    what: 'the report of the end',
  });
  await counted(collector, 50);
  expect(await usageCheck(collector)).toMatchObject({ ok: true });

  // The same events sent again change nothing.
  await collector.kill();
  await collector.start();
  await post(collector, 50);
  await post(collector, 1, 50);
  await counted(collector, 51);
});

test('with USAGE off, nothing is counted, and the answer says so', async () => {
  await using collector = await startCollector({ amqpUrl: AWAY, env: { USAGE: 'off' } });
  const answer = await fetch(`${collector.url}/api/v1/stats?metric=views&from=2026-10&to=2026-10`);
  expect([answer.status, await answer.json()]).toEqual([503, expect.objectContaining({ code: 'usage_unavailable' })]);
  expect(await usageCheck(collector)).toBeUndefined();
});

test('a store that cannot be opened is reported, and intake goes on', async () => {
  await using collector = await startCollector({
    amqpUrl: AWAY,
    env: { USAGE: 'on', USAGE_STORE: '/proc/no/store.duckdb' },
  });
  await waitFor(async () => !(await usageCheck(collector)).ok, { what: 'the report of the store' });
  expect(collector.output()).toContain('/proc/no/store.duckdb cannot be opened as a usage store');
  await post(collector, 5);
});
