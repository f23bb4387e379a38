import * as fc from 'fast-check';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { MemoryJournal } from '../../test/support/memory-journal.ts';
import { REFUSAL, ScriptedPublisher } from '../../test/support/scripted-publisher.ts';
import { waitFor } from '../../test/support/wait-for.ts';
import type { HeldEvent } from '../journal/journal.ts';
import { PublishLoop, type PublishLoopOptions } from './publish-loop.ts';
import { runs } from '../../test/support/form.ts';

const loops: PublishLoop[] = [];
afterEach(async () => {
  for (const loop of loops.splice(0)) await loop.stop();
});

const line = (id: string): string => JSON.stringify({ event_id: id, event: 'file.uploaded', created: 1 });
const heldLine = (id: string): Omit<HeldEvent, 'id'> => ({
  reason: 'unroutable',
  type: 'file.uploaded',
  sinceMs: 0,
  line: line(id),
});
const numbered = (count: number): string[] => Array.from({ length: count }, (_, index) => `e${index}`);

interface Parts {
  readonly journal?: MemoryJournal;
  readonly publisher?: ScriptedPublisher;
  readonly options?: Partial<PublishLoopOptions>;
}

function loopOf({ journal = new MemoryJournal(), publisher = new ScriptedPublisher(), options = {} }: Parts = {}) {
  const onPublished = vi.fn();
  const onError = vi.fn();
  const loop = new PublishLoop({
    journal,
    publisher,
    onUnroutable: 'hold',
    now: Date.now,
    onPublished,
    onError,
    ...options,
  });
  loops.push(loop);
  return { loop, journal, publisher, onPublished, onError };
}

async function journalOf(...rows: readonly (readonly string[])[]): Promise<MemoryJournal> {
  const journal = new MemoryJournal();
  for (const ids of rows) await journal.write({ append: ids.map(line) });
  return journal;
}

test('an event held while an earlier one was unanswered is published once after a restart, from where it is held', async () => {
  const journal = await journalOf(['a', 'full', 'b']);
  const before = loopOf({ journal });
  before.loop.start();
  await waitFor(() => before.publisher.unconfirmed.length === 3, { what: 'all to be published' });
  before.publisher.settle('full', 'nacked');
  await waitFor(() => journal.heldUp.length === 1, { what: 'the event to be held' });
  before.loop.pause();
  journal.crash(false);
  await journal.write({ append: [line('c')] });
  const { loop, publisher } = loopOf({ journal });
  publisher.answer = () => 'confirmed';
  loop.start();
  await waitFor(() => loop.isDone && publisher.published.length === 4 && journal.heldUp.length === 0, {
    what: 'all events',
  });
  expect(publisher.published.toSorted()).toEqual(['a', 'b', 'c', 'full']);
});

test('very many that no queue takes are moved aside in changes that each need little disk space', async () => {
  const journal = new MemoryJournal();
  const lines = numbered(300).map((id) => JSON.stringify({ event_id: id, event: 'file.uploaded', created: 1, url: 'x'.repeat(10_000) })); // prettier-ignore
  await journal.write({ append: lines });
  const { loop, publisher } = loopOf({ journal });
  const write = vi.spyOn(journal, 'write');
  loop.start();
  await waitFor(() => publisher.unconfirmed.length === 300, { what: 'all to be published' });
  for (const id of numbered(300)) publisher.settle(id, 'returned');
  await waitFor(() => journal.heldUp.length === 300, { what: 'all to be held' });
  expect(journal.heldUp.map((held) => held.line)).toEqual(lines);
  const moved = write.mock.calls.map(([{ holdEvents = [] }]) =>
    holdEvents.reduce((sum, held) => sum + held.line.length, 0),
  );
  expect(Math.max(...moved)).toBeLessThanOrEqual(128 * 1024);
  await waitFor(() => journal.savedCursor.index === 300, { what: 'the cursor behind them' });
});

describe('the order of publishing', () => {
  test('is that of the journal, within and across rows', async () => {
    const ids = numbered(200);
    const { loop, publisher } = loopOf({
      journal: await journalOf(ids.slice(0, 1), ids.slice(1, 150), ids.slice(150)),
    });
    loop.start();
    await waitFor(() => publisher.published.length === 200, { what: 'all events' });
    expect(publisher.published).toEqual(ids);
  });

  test('is the same for a publisher that takes few at a time', async () => {
    const ids = numbered(20);
    const { loop, journal, publisher } = loopOf({ journal: await journalOf(ids), publisher: new ScriptedPublisher(3) });
    loop.start();
    for (const id of ids) {
      await waitFor(() => publisher.unconfirmed.includes(id), { what: id });
      expect(publisher.unconfirmed.length).toBeLessThanOrEqual(3);
      publisher.settle(id);
    }
    expect(publisher.published).toEqual(ids);
    await loop.stop();
    expect([journal.savedCursor, loop.inFlight]).toEqual([{ row: 1, index: 20 }, 0]);
  });

  test('lets later events follow at once', async () => {
    const { loop, journal, publisher } = loopOf();
    loop.start();
    for (const id of ['a', 'b']) {
      await journal.write({ append: [line(id)] });
      await waitFor(() => publisher.published.includes(id), { what: id });
    }
    expect(publisher.published).toEqual(['a', 'b']);
  });
});

describe('the cursor', () => {
  test('follows what is settled, and never passes what is not', async () => {
    const { loop, journal, publisher } = loopOf({ journal: await journalOf(['a', 'b', 'c'], ['d']) });
    loop.start();
    await waitFor(() => publisher.published.length === 4, { what: 'all events' });
    publisher.settle('a');
    publisher.settle('c');
    publisher.settle('d');
    await waitFor(() => journal.savedCursor.index === 1, { what: 'the cursor' });
    expect(journal.savedCursor).toEqual({ row: 1, index: 1 });
    publisher.settle('b');
    await waitFor(() => journal.savedCursor.row === 2, { what: 'the cursor' });
    expect(journal.savedCursor).toEqual({ row: 2, index: 1 });
    expect(loop.inFlight).toBe(0);
  });

  test('is where publishing continues after a restart, even in the middle of a row', async () => {
    const journal = await journalOf(['a', 'b', 'c'], ['d']);
    journal.savedCursor = { row: 1, index: 2 };
    const { loop, publisher } = loopOf({ journal });
    loop.start();
    await waitFor(() => publisher.published.length === 2, { what: 'the rest' });
    expect(publisher.published).toEqual(['c', 'd']);
  });

  test('is saved when the loop stops, including what was confirmed after the pause', async () => {
    const { loop, journal, publisher } = loopOf({ journal: await journalOf(['a', 'b']) });
    loop.start();
    await waitFor(() => publisher.published.length === 2, { what: 'both events' });
    loop.pause();
    publisher.settle('a');
    publisher.settle('b');
    await loop.stop();
    expect(journal.savedCursor).toEqual({ row: 1, index: 2 });
  });

  test('is saved again if the journal could not take it', async () => {
    const { loop, journal, publisher, onError } = loopOf({ journal: await journalOf(['a']) });
    publisher.answer = () => 'confirmed';
    journal.failures = 1;
    loop.start();
    await waitFor(() => journal.savedCursor.index === 1, { what: 'the cursor' });
    expect(onError).toHaveBeenCalledExactlyOnceWith(expect.objectContaining({ code: 'journal_full' }));
  });
});

test('nothing more is published after a pause', async () => {
  const { loop, journal, publisher } = loopOf({ journal: await journalOf(['a']) });
  loop.start();
  await waitFor(() => publisher.published.length === 1, { what: 'the event' });
  loop.pause();
  await journal.write({ append: [line('b')] });
  await loop.idle();
  expect(publisher.published).toEqual(['a']);
});

test('a journal that cannot be read now is read later', async () => {
  const { loop, journal, publisher, onError } = loopOf({ journal: await journalOf(['a']) });
  vi.spyOn(journal, 'read').mockImplementationOnce(() => {
    throw new Error('disk I/O error');
  });
  loop.start();
  await waitFor(() => publisher.published.length === 1, { what: 'the event' });
  expect(onError).toHaveBeenCalledExactlyOnceWith(expect.objectContaining({ message: 'disk I/O error' }));
});

describe('an event that no queue takes', () => {
  const returns = (publisher: ScriptedPublisher, ...unroutable: string[]): void => {
    publisher.answer = (id) => (unroutable.includes(id) ? 'returned' : 'confirmed');
  };

  test('does not delay others, and is tried again until a queue takes it', async () => {
    const { loop, journal, publisher, onPublished } = loopOf({ journal: await journalOf(['a', 'lost', 'b']) });
    returns(publisher, 'lost');
    loop.start();
    await waitFor(() => journal.savedCursor.index === 3, { what: 'the cursor to pass it' });
    expect(publisher.published.slice(0, 3)).toEqual(['a', 'lost', 'b']);
    expect(journal.heldUp).toMatchObject([{ line: line('lost'), reason: 'unroutable', type: 'file.uploaded' }]);
    await waitFor(() => publisher.published.length === 4, { what: 'the next try' });
    returns(publisher);
    await waitFor(() => journal.heldUp.length === 0, { what: 'the event to be taken' });
    expect(publisher.published.slice(3).every((id) => id === 'lost')).toBe(true);
    expect(new Set(onPublished.mock.calls.map(([fate]) => String(fate)))).toEqual(new Set(['confirmed', 'returned']));
  });

  test('keeps the cursor before it while the journal cannot hold it', async () => {
    const { loop, journal, publisher, onError } = loopOf({ journal: await journalOf(['lost', 'b']) });
    returns(publisher, 'lost');
    journal.failures = 1;
    loop.start();
    await waitFor(() => onError.mock.calls.length > 0, { what: 'the error' });
    expect([journal.savedCursor, journal.heldUp]).toEqual([{ row: 0, index: 0 }, []]);
    await waitFor(() => journal.savedCursor.index === 2, { what: 'the cursor' });
    expect(journal.heldUp).toHaveLength(1);
  });

  test('is counted and dropped if so configured, even if it was held before', async () => {
    const journal = await journalOf(['lost']);
    await journal.write({ holdEvents: [heldLine('former')] });
    const { loop, publisher, onPublished } = loopOf({ journal, options: { onUnroutable: 'drop' } });
    returns(publisher, 'lost', 'former');
    loop.start();
    await waitFor(() => journal.savedCursor.index === 1 && journal.heldUp.length === 0, { what: 'both to be gone' });
    expect(onPublished.mock.calls).toEqual([['dropped'], ['dropped']]);
  });

  test('waits while there is no broker', async () => {
    const journal = new MemoryJournal();
    await journal.write({ holdEvents: [heldLine('held')] });
    const { loop, publisher } = loopOf({ journal });
    publisher.connected = false;
    publisher.answer = () => 'confirmed';
    loop.start();
    expect(await loop.held.retryNow()).toEqual({ published: 0, held: 1 });
    expect(publisher.published).toEqual([]);
    publisher.connected = true;
    await waitFor(() => journal.heldUp.length === 0, { what: 'the next try' });
    expect(publisher.published).toEqual(['held']);
  });
});

describe('an event that can never be published', () => {
  test('goes to the rejected store with the reason, and the others go on', async () => {
    const { loop, journal, publisher, onPublished } = loopOf({ journal: await journalOf(['a', 'bad', 'b']) });
    publisher.answer = (id) => (id === 'bad' ? 'refused' : 'confirmed');
    loop.start();
    await waitFor(() => journal.savedCursor.index === 3, { what: 'the cursor to pass it' });
    expect(journal.rejectedRecords).toMatchObject([
      { code: 'unpublishable', origin: 'publisher', message: REFUSAL, record: line('bad') },
    ]);
    expect([publisher.published, journal.heldUp]).toEqual([['a', 'bad', 'b'], []]);
    expect(onPublished).toHaveBeenCalledWith('refused', REFUSAL);
  });

  test('may also be one that cannot be made into a message', async () => {
    const journal = new MemoryJournal();
    await journal.write({ append: ['no JSON', line('b')] });
    const { loop, publisher } = loopOf({ journal });
    publisher.answer = () => 'confirmed';
    loop.start();
    await waitFor(() => journal.savedCursor.index === 2, { what: 'the cursor to pass it' });
    expect(journal.rejectedRecords).toMatchObject([{ code: 'unpublishable', record: 'no JSON' }]);
    expect(publisher.published).toEqual(['b']);
  });
});

test('2,000 events that a full queue refuses are held, and the others go on', async () => {
  const ids = numbered(2000);
  const { loop, journal, publisher } = loopOf({ journal: await journalOf(ids, ['after']) });
  publisher.answer = (id) => (id === 'after' ? 'confirmed' : 'nacked');
  loop.start();
  await waitFor(() => journal.savedCursor.row === 2, { what: 'the cursor to pass them' });
  expect(journal.heldUp).toHaveLength(2000);
  expect(publisher.published).toContain('after');
});

test('whatever the broker answers in any order, over stops and starts, nothing is lost and all begin in order', async () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 6 });
  const answers = fc.array(fc.record({ which: fc.nat(100), returned: fc.boolean(), stop: fc.boolean() }), {
    maxLength: 40,
  });
  await fc.assert(
    fc.asyncProperty(sizes, answers, async (rows, script) => {
      const ids = numbered(rows.reduce((sum, size) => sum + size, 0));
      let next = 0;
      const journal = await journalOf(...rows.map((size) => ids.slice(next, (next += size))));
      const confirmed = new Set<string>();
      const firsts = new Set<string>();
      const begin = () => {
        const parts = loopOf({ journal, publisher: new ScriptedPublisher(4) });
        parts.loop.start();
        return parts;
      };
      let running = begin();
      const end = async (): Promise<void> => {
        running.loop.pause();
        await running.publisher.close();
        await running.loop.stop();
        for (const id of running.publisher.published) firsts.add(id);
      };
      for (const { which, returned, stop } of script) {
        await new Promise(setImmediate);
        const { unconfirmed } = running.publisher;
        const id = unconfirmed[which % Math.max(1, unconfirmed.length)];
        if (id !== undefined) {
          running.publisher.settle(id, returned ? 'returned' : 'confirmed');
          if (!returned) confirmed.add(id);
        }
        if (!stop) continue;
        await end();
        running = begin();
      }
      await end();
      const held = new Set(journal.heldUp.map((one) => (JSON.parse(one.line) as { event_id: string }).event_id));
      const { row, index } = journal.savedCursor;
      const settled = journal.rows.flatMap(({ row: at, lines }) =>
        lines.slice(0, at < row ? lines.length : at === row ? index : 0),
      );
      for (const one of settled) {
        const { event_id: id } = JSON.parse(one) as { event_id: string };
        expect(confirmed.has(id) || held.has(id)).toBe(true);
      }
      expect([...firsts]).toEqual(ids.slice(0, firsts.size));
    }),
    runs(60),
  );
});
