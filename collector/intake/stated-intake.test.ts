import { describe, expect, test, vi } from 'vitest';
import { anothersEventId } from '../../taxonomy/event-id.ts';
import type { FlatBody } from '../../taxonomy/flat-body.ts';
import type { Candidate } from '../../taxonomy/map/candidate.ts';
import { MemoryJournal } from '../../test/support/memory-journal.ts';
import { createMapContext } from '../../taxonomy/map/context.ts';
import { Intake } from './intake.ts';
import { SeenIds } from './seen-ids.ts';
import { acceptStated, idsOf } from './stated-intake.ts';

const NOW = Date.UTC(2026, 10, 24);
const context = createMapContext({ now: () => NOW });
const observer = { accepted: vi.fn(), duplicate: vi.fn(), waiting: vi.fn(), recovered: vi.fn(), rejected: vi.fn() };

function world() {
  const journal = new MemoryJournal(() => NOW);
  const open = (): Intake =>
    new Intake({ journal, seen: new SeenIds(), waitMs: 1, windowMs: 1000, now: () => NOW, observer });
  return { journal, open, intake: open() };
}

describe('posted events', () => {
  const stated = (intake: Intake, values: readonly unknown[], onRefused = vi.fn()) =>
    acceptStated(
      values.map((value) => ({ value })),
      { source: 'api' },
      context,
      intake,
      onRefused,
    );

  test('get one verdict each, in order; bad ones are counted and not kept', async () => {
    const { intake, journal } = world();
    const onRefused = vi.fn();
    const verdicts = await stated(
      intake,
      [
        { event: 'file.uploaded', file_id: 'f', event_id: 'a' },
        { event: 'file.exploded' },
        { event: 'file.uploaded', file_id: 'f', event_id: 'a' },
        7,
        { event: 'file.deleted', file_id: 'f' },
      ],
      onRefused,
    );
    expect(verdicts).toMatchObject([
      { ok: true, id: 'a', duplicate: false },
      { ok: false, issues: [{ field: 'event', received: '"file.exploded"' }] },
      { ok: true, id: 'a', duplicate: true },
      { ok: false, issues: [{ message: 'must be an object', received: '7' }] },
      { ok: true, id: expect.stringMatching(/^[0-9a-f-]{36}$/) as string, duplicate: false },
    ]);
    expect(onRefused).toHaveBeenCalledExactlyOnceWith('api', 2);
    expect(journal.rejectedRecords).toEqual([]);
    expect(journal.lines).toHaveLength(2);
  });

  test('write nothing if all are bad', async () => {
    const { intake, journal } = world();
    expect(await stated(intake, [{}])).toMatchObject([{ ok: false }]);
    expect(journal.rows).toEqual([]);
  });
});

describe('an id that a producer states and that another event gets from its observation', () => {
  const ID = 'ab'.repeat(16);
  const body: FlatBody = { event_id: ID, event: 'file.deleted', created: 1, file_id: 'f', resource_id: 'f' };
  const observed = (): Candidate => ({ body: { ...body }, waits: false, strong: false });
  const state = (intake: Intake) =>
    acceptStated([{ value: { event: 'user.login', user_id: 'a', event_id: ID } }], { source: 'api', producer: 'a' }, context, intake, vi.fn()); // prettier-ignore

  test('belongs to two events: a stated event never replaces an observed one, even after a restart', async () => {
    const { intake, open, journal } = world();
    expect(await state(intake)).toMatchObject([{ ok: true, id: ID, duplicate: false }]);
    expect(await intake.submit([observed(), observed()])).toEqual(['accepted', 'duplicate']);
    const again = open();
    expect(await again.submit([observed(), { ...observed(), strong: true }])).toEqual(['duplicate', 'duplicate']);
    expect(await state(again)).toMatchObject([{ ok: true, id: ID, duplicate: true }]);
    const events = journal.lines.map((line) => JSON.parse(line) as FlatBody);
    expect(events.map(({ event }) => event)).toEqual(['user.login', 'file.deleted']);
    expect(new Set(events.map(({ event_id }) => event_id)).size).toBe(2);
  });

  test('refutes no other event, and cannot be refuted', async () => {
    const { intake, journal } = world();
    await state(intake);
    await intake.submit([], [], '', { refuted: [ID] });
    expect(await intake.submit([observed()])).toEqual(['duplicate']);
    expect(journal.lines).toHaveLength(1);
  });

  test('belongs to the observed event if that came first or waits', async () => {
    for (const waits of [false, true]) {
      const { intake, open, journal } = world();
      await intake.submit([{ ...observed(), waits }]);
      expect(await state(intake)).toMatchObject([{ id: anothersEventId('a', ID), duplicate: false }]);
      await open().submit([{ ...observed(), strong: true }]);
      expect(journal.lines.map((line) => (JSON.parse(line) as FlatBody).event_id).toSorted()).toEqual([anothersEventId('a', ID), ID].toSorted()); // prettier-ignore
    }
  });
});

describe('an id that two producers state', () => {
  const login = (user: string, event_id = 'import-1') => ({ event: 'user.login', user_id: user, event_id });
  const state = (intake: Intake, producer: string | undefined, ...values: readonly object[]) =>
    acceptStated(values.map((value) => ({ value })), { source: 'api', producer }, context, intake, vi.fn()); // prettier-ignore
  const told = (lines: readonly string[]) => lines.map((line) => JSON.parse(line) as FlatBody).map(({ event_id, user_id }) => [event_id, user_id]); // prettier-ignore
  const others = anothersEventId('two', 'import-1');

  test('belongs to two events, the second with an id of ours; each producer may repeat its own, over a restart too', async () => {
    const { journal, intake, open } = world();
    expect(await state(intake, 'one', login('a'))).toMatchObject([{ id: 'import-1', duplicate: false }]);
    expect(await state(intake, 'two', login('b'))).toMatchObject([{ id: others, duplicate: false }]);
    for (const collector of [intake, open(), open()]) {
      expect(await state(collector, 'two', login('b'))).toMatchObject([{ id: others, duplicate: true }]);
      expect(await state(collector, 'one', login('a'))).toMatchObject([{ id: 'import-1', duplicate: true }]);
    }
    expect(told(journal.lines)).toEqual([['import-1', 'a'], [others, 'b']]); // prettier-ignore
  });

  test('belongs to two events in any order of their writes, and to one if a producer sends it twice at once', async () => {
    const { journal, intake } = world();
    journal.manual = true;
    const posted = Promise.all([state(intake, 'one', login('a')), state(intake, 'two', login('b')), state(intake, 'two', login('b'))]); // prettier-ignore
    await Promise.resolve();
    while (journal.pending > 0) {
      journal.flush();
      await new Promise(setImmediate);
    }
    const [[first], ...ofTwo] = await posted;
    expect(first).toMatchObject({ id: 'import-1' });
    expect(ofTwo.flat().map((one) => one.ok && [one.id, one.duplicate])).toEqual(expect.arrayContaining([[others, false], [others, true]])); // prettier-ignore
    expect(journal.lines).toHaveLength(2);
  });

  test('is new again if the journal could not be written', async () => {
    const { journal, intake } = world();
    await state(intake, 'one', login('a'));
    journal.failures = 1;
    await expect(state(intake, 'two', login('b'))).rejects.toMatchObject({ code: 'journal_full' });
    expect(await state(intake, 'two', login('b'))).toMatchObject([{ id: others, duplicate: false }]);
  });

  test('belongs to one event if no key exists, as senders then have no names', async () => {
    const { journal, intake } = world();
    await state(intake, undefined, login('a'));
    expect(await state(intake, undefined, login('b'))).toMatchObject([{ id: 'import-1', duplicate: true }]);
    expect(journal.lines).toHaveLength(1);
  });

  test('is the same for all producers if it was not stated', async () => {
    const { journal, intake } = world();
    const post = (producer: string) =>
      acceptStated([{ value: { event: 'user.login', user_id: 'a' }, eventId: 'made of the content' }], { source: 'api', producer }, context, intake, vi.fn()); // prettier-ignore
    await post('one');
    expect(await post('two')).toMatchObject([{ id: 'made of the content', duplicate: true }]);
    expect(journal.lines).toHaveLength(1);
  });
});

test('ids from an Idempotency-Key are the same each time, and differ for each event, key and scope', () => {
  const ids = idsOf('scope', 'key', 3);
  expect(new Set([...ids, ...idsOf('scope', 'another', 3), ...idsOf('another', 'key', 3)]).size).toBe(9);
  expect(idsOf('scope', 'key', 2)).toEqual(ids.slice(0, 2));
});

describe('one of several collectors', () => {
  const login = { event: 'user.login', user_id: 'a', event_id: 'import-1' };
  const collector = () => {
    const journal = new MemoryJournal(() => NOW);
    const open = (): Intake => new Intake({ journal, seen: new SeenIds(), waitMs: 1, windowMs: 1000, amongOthers: true, now: () => NOW, observer }); // prettier-ignore
    return { journal, open, intake: open() };
  };
  const state = (intake: Intake, producer: string | undefined) =>
    acceptStated([{ value: login }], { source: 'api', producer }, context, intake, vi.fn());

  test("gives a producer's event the id that every other collector gives it, and that no other producer gets", async () => {
    const [a, b] = [collector(), collector()];
    const [one, two] = [anothersEventId('one', 'import-1'), anothersEventId('two', 'import-1')];
    expect(await state(a.intake, 'one')).toMatchObject([{ id: one, duplicate: false }]);
    expect(await state(b.intake, 'two')).toMatchObject([{ id: two, duplicate: false }]);
    expect(await state(b.intake, 'one')).toMatchObject([{ id: one, duplicate: false }]);
    expect(await state(b.intake, 'one')).toMatchObject([{ id: one, duplicate: true }]);
    expect(await state(b.open(), 'two')).toMatchObject([{ id: two, duplicate: true }]);
    expect(b.journal.lines.map((line) => (JSON.parse(line) as FlatBody).event_id)).toEqual([two, one]);
  });

  test('keeps stated ids if no key exists, as all senders are one producer then', async () => {
    expect(await state(collector().intake, undefined)).toMatchObject([{ id: 'import-1', duplicate: false }]);
  });
});
