import * as fc from 'fast-check';
import { afterEach, expect, test, vi } from 'vitest';
import { MemoryJournal } from '../../test/support/memory-journal.ts';
import { REFUSAL, ScriptedPublisher } from '../../test/support/scripted-publisher.ts';
import { waitFor } from '../../test/support/wait-for.ts';
import type { Outcome } from '../../exporter/publisher.ts';
import type { HeldEvent, HeldReason } from '../journal/journal.ts';
import { HeldEvents, type HeldEventsOptions } from './held-events.ts';

const running: HeldEvents[] = [];
afterEach(() => {
  for (const held of running.splice(0)) held.stop();
});

const eventOf = (id: string, reason: HeldReason = 'unroutable', type = 'file.uploaded'): Omit<HeldEvent, 'id'> => ({
  reason,
  type,
  sinceMs: 1000,
  line: JSON.stringify({ event_id: id, event: type, created: 1 }),
});
const numbered = (prefix: string, count: number): string[] =>
  Array.from({ length: count }, (_, index) => `${prefix}${index}`);

async function setUp(events: readonly Omit<HeldEvent, 'id'>[], options: Partial<HeldEventsOptions> = {}) {
  const journal = new MemoryJournal();
  await journal.write({ holdEvents: events });
  const publisher = new ScriptedPublisher();
  const [onPublished, onError] = [vi.fn(), vi.fn()];
  const held = new HeldEvents({
    journal,
    publisher,
    onUnroutable: 'hold',
    now: Date.now,
    onPublished,
    onError,
    ...options,
  });
  running.push(held);
  return { held, journal, publisher, onPublished, onError };
}

test('once a queue takes the oldest of a type, all of that type go at once, in the order in which they were held', async () => {
  const ids = numbered('e', 2500);
  const types = ['file.uploaded', 'view.page', 'file.deleted'];
  const { held, publisher, journal } = await setUp(
    ids.map((id, index) => eventOf(id, 'unroutable', types[index % types.length])),
  );
  publisher.answer = () => 'returned';
  expect(await held.retryNow()).toEqual({ published: 0, held: 2500 });
  expect(publisher.published.splice(0)).toEqual(['e0', 'e1', 'e2']);
  publisher.answer = () => 'confirmed';
  expect(await held.retryNow()).toEqual({ published: 2500, held: 0 });
  expect(publisher.published).toEqual(ids);
  expect(journal.heldUp).toEqual([]);
});

test('very many that go at once are recorded in changes that each need little disk space', async () => {
  const large = numbered('e', 300).map((id) => ({
    reason: 'unroutable' as const,
    type: 'file.uploaded',
    sinceMs: 1000,
    line: JSON.stringify({ event_id: id, event: 'file.uploaded', created: 1, url: 'x'.repeat(10_000) }),
  }));
  const { held, publisher, journal } = await setUp(large);
  const write = vi.spyOn(journal, 'write');
  let taken = 0;
  // A queue is bound, and is full after the first event.
  publisher.answer = () => (taken++ === 0 ? 'confirmed' : 'nacked');
  expect(await held.retryNow()).toEqual({ published: 1, held: 299 });
  const moved = write.mock.calls.map(([{ holdEvents = [] }]) =>
    holdEvents.reduce((sum, { line }) => sum + line.length, 0),
  );
  expect(Math.max(...moved)).toBeLessThanOrEqual(128 * 1024);
  expect(journal.heldUp.map(({ reason }) => reason)).toEqual(Array.from({ length: 299 }, () => 'nacked'));
  expect(journal.heldUp.map(({ line }) => line)).toEqual(large.slice(1).map(({ line }) => line));
});

test('a type that no queue takes does not stop other types: only its oldest event is tried', async () => {
  const { held, publisher, journal } = await setUp([
    ...numbered('no', 100).map((id) => eventOf(id, 'unroutable', 'view.page')),
    ...numbered('yes', 100).map((id) => eventOf(id)),
  ]);
  publisher.answer = (id) => (id.startsWith('no') ? 'returned' : 'confirmed');
  expect(await held.retryNow()).toEqual({ published: 100, held: 100 });
  expect(publisher.published).toEqual(['no0', 'yes0', ...numbered('yes', 100).slice(1)]);
  expect(journal.heldUp.every(({ type }) => type === 'view.page')).toBe(true);
});

test('a queue with room for few events gets few: other queues get no copy of the rest', async () => {
  const { held, publisher, journal } = await setUp(numbered('e', 1000).map((id) => eventOf(id, 'nacked')));
  let room = 10;
  publisher.answer = () => (room-- > 0 ? 'confirmed' : 'nacked');
  expect(await held.retryNow()).toEqual({ published: 10, held: 990 });
  // One, two, four, then three of eight.
  expect(publisher.published).toEqual(numbered('e', 15));
  room = Number.MAX_SAFE_INTEGER;
  expect(await held.retryNow()).toEqual({ published: 990, held: 0 });
  expect(journal.heldUp).toEqual([]);
});

test('a queue that stays full gets one event at each try, after pauses that grow to a minute', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'Date'] });
  try {
    const { held, publisher } = await setUp(
      numbered('e', 9).map((id) => eventOf(id, 'nacked')),
      { random: () => 1 },
    );
    const tries: number[] = [];
    publisher.answer = () => {
      tries.push(Date.now());
      return 'nacked';
    };
    held.start();
    await vi.advanceTimersByTimeAsync(260_000);
    const pauses = tries.slice(1).map((at, index) => at - (tries[index] ?? 0));
    expect(pauses).toEqual([5000, 10_000, 20_000, 40_000, 60_000, 60_000, 60_000]);
    expect(new Set(publisher.published)).toEqual(new Set(['e0']));
  } finally {
    vi.useRealTimers();
  }
});

test('a queue that takes a new event of the type again gets the refused ones within a second', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'Date'] });
  try {
    const { held, publisher, journal } = await setUp(numbered('e', 100).map((id) => eventOf(id, 'nacked')));
    publisher.answer = () => 'nacked';
    held.start();
    // The pauses have grown to a minute.
    await vi.advanceTimersByTimeAsync(120_000);
    publisher.answer = () => 'confirmed';
    publisher.published.splice(0);
    held.taken(eventOf('other', 'nacked', 'view.page').line);
    await vi.advanceTimersByTimeAsync(1250);
    expect(publisher.published).toEqual([]);
    held.taken(eventOf('new').line);
    await vi.advanceTimersByTimeAsync(1250);
    expect(publisher.published).toEqual(numbered('e', 100));
    expect(journal.heldUp).toEqual([]);
  } finally {
    vi.useRealTimers();
  }
});

test('a queue that sometimes has room for one new event is tried after growing pauses: others get few copies', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'Date'] });
  try {
    const { held, publisher } = await setUp(
      numbered('e', 9).map((id) => eventOf(id, 'nacked')),
      { random: () => 1 },
    );
    publisher.answer = () => 'nacked';
    held.start();
    for (let ms = 0; ms < 600_000; ms += 250) {
      held.taken(eventOf(`new${ms}`).line);
      await vi.advanceTimersByTimeAsync(250);
    }
    // Seven with pauses growing to a minute, then one a minute.
    expect(publisher.published.length).toBeLessThan(17);
    expect(new Set(publisher.published)).toEqual(new Set(['e0']));
  } finally {
    vi.useRealTimers();
  }
});

test('an event returned because the full queue was unbound waits before it goes out again', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'Date'] });
  try {
    const { held, publisher } = await setUp([eventOf('e', 'nacked')]);
    const tries: number[] = [];
    publisher.answer = () => {
      tries.push(Date.now());
      return 'returned';
    };
    held.start();
    await vi.advanceTimersByTimeAsync(5000);
    const pauses = tries.slice(1).map((at, index) => at - (tries[index] ?? 0));
    expect(pauses.length).toBeGreaterThan(1);
    expect(Math.min(...pauses)).toBeGreaterThanOrEqual(500);
  } finally {
    vi.useRealTimers();
  }
});

test('the state says how many are held for each reason, and since when the oldest is', async () => {
  const { held } = await setUp([
    { ...eventOf('a'), sinceMs: 50 },
    { ...eventOf('b'), sinceMs: 40 },
    { ...eventOf('c', 'unroutable', 'view.page'), sinceMs: 45 },
  ]);
  expect(held.state).toEqual({
    unroutable: { events: 3, oldestMs: 45 },
    nacked: { events: 0, oldestMs: undefined },
  });
});

test('an event that a newly bound queue refuses is held as nacked, and one that RabbitMQ refuses is set aside', async () => {
  const { held, publisher, journal } = await setUp(['full', 'bad', 'ok'].map((id) => eventOf(id)));
  const answers: Record<string, Outcome> = { full: 'nacked', bad: 'refused', ok: 'confirmed' };
  publisher.answer = (id) => answers[id];
  expect(await held.retryNow()).toEqual({ published: 1, held: 1 });
  expect(journal.heldUp).toMatchObject([{ reason: 'nacked', sinceMs: 1000 }]);
  expect(journal.rejectedRecords).toMatchObject([{ code: 'unpublishable', message: REFUSAL }]);
});

test('events published while the journal accepted nothing are not published again', async () => {
  const { held, publisher, journal, onError } = await setUp(numbered('e', 3).map((id) => eventOf(id)));
  publisher.answer = () => 'confirmed';
  journal.failures = 2;
  await held.retryNow();
  await held.retryNow();
  expect(onError).toHaveBeenCalledTimes(2);
  expect(publisher.published).toEqual(['e0']);
  await held.retryNow();
  expect(publisher.published).toEqual(['e0', 'e1', 'e2']);
  expect(journal.heldUp).toEqual([]);
});

test('whatever the broker answers, each event is held, published or set aside, once', async () => {
  const outcome = fc.constantFrom<Outcome>('confirmed', 'returned', 'nacked', 'refused');
  const kinds = fc.array(fc.record({ reason: fc.constantFrom<HeldReason>('unroutable', 'nacked'), type: fc.nat(2) }));
  await fc.assert(
    fc.asyncProperty(kinds, fc.infiniteStream(outcome), fc.nat(3), async (events, answers, failures) => {
      const { held, publisher, journal } = await setUp(
        events.map(({ reason, type }, index) => eventOf(`e${index}`, reason, `type.${type}`)),
      );
      const confirmed: string[] = [];
      publisher.answer = (id) => {
        const answer = answers.next().value;
        if (answer === 'confirmed') confirmed.push(id);
        return answer;
      };
      journal.failures = failures;
      for (let round = 0; round < 5; round += 1) await held.retryNow();
      // One more round without confirms, to write what the journal refused in the last round.
      journal.failures = 0;
      publisher.answer = () => 'nacked';
      await held.retryNow();
      await waitFor(() => journal.pending === 0, { what: 'the journal' });
      const idOf = (line: string) => (JSON.parse(line) as { event_id: string }).event_id;
      const all = [
        ...confirmed,
        ...journal.heldUp.map(({ line }) => idOf(line)),
        ...journal.rejectedRecords.map(({ record }) => idOf(record)),
      ];
      expect(all.toSorted()).toEqual(events.map((_, index) => `e${index}`).toSorted());
    }),
    { numRuns: 200 },
  );
});
