import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { FlatBody } from '../../taxonomy/flat-body.ts';
import { runs } from '../../test/support/form.ts';
import { world } from '../../test/support/intake-world.ts';
import { createMapContext } from '../../taxonomy/map/context.ts';
import { mapLog } from '../../taxonomy/map.ts';
import type { Candidate } from '../../taxonomy/map/candidate.ts';

const NOW = Date.UTC(2026, 10, 29);
const FILE = '5f1e00000000000000000001';
const OTHER = '5f1e00000000000000000002';
const context = createMapContext({ clowder: 'v1', now: () => NOW });

interface Sent {
  /** Undefined: the whole file was requested. */
  readonly range?: string;
  /** Seconds after the first. */
  readonly afterS?: number;
  readonly address?: string;
  readonly file?: string;
  readonly query?: string;
  /** Bytes that went out. Default: all that were requested. */
  readonly bytes?: number;
}

const SIZE = 4000;

/** A line of an access log: part of a file of 4000 bytes, or all of it. */
function sent(one: Sent | string = {}, afterS = 0): readonly Candidate[] {
  const {
    range,
    file = FILE,
    address = '192.0.2.7',
    query,
    bytes,
    ...more
  } = typeof one === 'string' ? { range: one } : one;
  const at = NOW - 3_600_000 + ('afterS' in more ? more.afterS : afterS) * 1000;
  const [first = 0, last = SIZE - 1] = range?.split('-').map(Number) ?? [];
  const asked = last - first + 1;
  return mapLog(
    {
      timeUnixNano: BigInt(at) * 1_000_000n,
      observedTimeUnixNano: 0n,
      eventName: '',
      body: undefined,
      attributes: {
        'http.request.method': 'GET',
        'url.path': `/api/files/${file}/blob`,
        ...(query !== undefined && { 'url.query': query }),
        'http.response.status_code': range === undefined ? 200n : 206n,
        'http.response.body.size': BigInt(bytes ?? asked),
        'client.address': address,
        'user_agent.original': 'aria2/1.37',
        'nginx.request_completion': bytes === undefined ? 'OK' : '-',
        ...(range !== undefined && { 'http.response.header.content-range': [`bytes ${range}/${SIZE}`] }),
      },
      resource: {},
      traceId: `${at.toString(16)}${range ?? ''}`.replaceAll('-', 'd').padStart(32, '0'),
      spanId: '00f067aa0ba902b7',
    },
    context,
  ).candidates;
}

const PIECES = ['0-999', '1000-1999', '2000-2999', '3000-3999'];

/** After this time without a piece, the download is published incomplete. */
const HOLD_MS = 30_000;
const eventsIn = (lines: readonly string[]): FlatBody[] => lines.map((line) => JSON.parse(line) as FlatBody);

/** The published downloads: bytes, and whether they are complete. */
const amounts = (lines: readonly string[]) => eventsIn(lines).map(({ bytes, complete }) => ({ bytes, complete }));

const all = { bytes: SIZE, complete: true };
const some = (bytes: number) => ({ bytes, complete: false });

test.each<[what: string, observed: readonly (readonly Candidate[])[], downloads: readonly object[]]>([
  ['the pieces of one download', PIECES.map((range) => sent(range)), [all]],
  ['its pieces in another order', PIECES.toReversed().map((range) => sent(range)), [all]],
  ['pieces that overlap', [sent('0-2499'), sent('1000-3999')], [all]],
  ['a piece that comes twice', [sent('0-999'), sent('0-999', 1)], [some(1000)]],
  ['pieces with a gap', [sent('0-999'), sent('3000-3999')], [some(2000)]],
  ['pieces, one of which broke off', [sent('0-1999'), sent({ range: '2000-3999', bytes: 500 })], [some(2500)]],
  ['a download that broke off', [sent({ bytes: 600 })], [some(600)]],
  ['a download that broke off and was resumed', [sent({ bytes: 600 }), sent('600-3999', 20)], [all]],
  ['a download that broke off and was started again', [sent({ bytes: 600 }), sent({ afterS: 20 })], [all, some(600)]],
  ['a resumed download whose beginning was not seen', [sent('600-3999')], [some(3400)]],
  ["a player's probe, and the file", [sent('0-1'), sent('0-3999', 1)], [all]],
  ['a player that seeks back', [sent('0-3999'), sent('100-199', 200), sent('500-599', 400)], [all]],
  ['only a probe', [sent('0-0')], []],
  [
    'pieces of two viewers',
    [sent('0-999'), sent({ range: '0-999', address: '198.51.100.9', afterS: 1 })],
    [some(1000), some(1000)],
  ],
  ['pieces of two files', [sent('0-999'), sent({ range: '0-999', file: OTHER })], [some(1000), some(1000)]],
  [
    'pieces of two versions',
    [sent('0-999'), sent({ range: '1000-3999', query: 'version=2' })],
    [some(1000), some(3000)],
  ],
  ['pieces that go on for ten minutes', [0, 200, 400, 600].map((s, at) => sent(PIECES[at], s)), [all]],
  ['pieces ten minutes apart', [sent('0-999'), sent('1000-1999', 600)], [some(1000), some(1000)]],
  ['whole downloads, each on its own', [sent(), sent({ afterS: 5 })], [all, all]],
  ['a whole download, and a piece of another', [sent(), sent('0-999', 5)], [all, some(1000)]],
])('%s', async (_what, observed, downloads) => {
  const { intake, journal, clock } = world();
  for (const candidates of observed) await intake.submit(candidates);
  clock.now += HOLD_MS;
  await intake.recoverDue();
  expect(amounts(journal.lines)).toEqual(downloads);
  expect(journal.held('gathering')).toEqual([]);
});

describe('a download in pieces', () => {
  test('is published as soon as it is complete, with the id and time of its first piece', async () => {
    const { intake, journal, observer } = world();
    const observed = PIECES.map((range, at) => sent(range, at));
    for (const candidates of observed.slice(0, -1)) expect(await intake.submit(candidates)).not.toContain('accepted');
    expect([journal.lines, intake.waitingCount]).toEqual([[], 1]);
    await intake.submit(observed.at(-1) ?? []);
    const first = observed[0]?.[0]?.body;
    const event = {
      event_id: first?.event_id,
      created: first?.created,
      bytes: SIZE,
      size: SIZE,
      range: 'bytes 0-3999/4000',
    };
    expect(eventsIn(journal.lines)).toMatchObject([event]);
    expect(observer.accepted.mock.calls).toMatchObject([[event]]);
    expect([journal.held('gathering'), intake.waitingCount]).toEqual([[], 0]);
  });

  test('is published half a minute after its last piece if it never completes', async () => {
    const { intake, journal, clock } = world();
    await intake.submit(sent('0-999'));
    clock.now += HOLD_MS - 1;
    await intake.submit(sent('1000-1999', 29));
    clock.now += HOLD_MS - 1;
    await intake.recoverDue();
    expect(journal.lines).toEqual([]);
    clock.now += 1;
    await intake.recoverDue();
    expect(eventsIn(journal.lines)).toMatchObject([{ bytes: 2000, complete: false, range: 'bytes 0-1999/4000' }]);
  });

  test('is published after an hour if pieces keep coming, and includes those that follow', async () => {
    const { intake, journal, clock } = world();
    for (let at = 0; at < 200; at += 1) {
      await intake.submit(sent({ range: `${at * 10}-${at * 10 + 9}`, afterS: at * 20 - 1800 }));
      clock.now += 20_000;
      await intake.recoverDue();
    }
    clock.now += HOLD_MS;
    await intake.recoverDue();
    expect(amounts(journal.lines)).toEqual([some(1800)]);
  });

  test.each([1, 2, 3, 4])('is one event over a restart before piece %i, including later pieces', async (restart) => {
    const { intake, journal, open, clock } = world();
    let current = intake;
    for (const [at, range] of PIECES.entries()) {
      if (at + 1 === restart) current = open();
      await current.submit(sent(range, at * 200));
    }
    await open().submit(sent('0-999', 800));
    clock.now += HOLD_MS;
    await current.recoverDue();
    const [first] = sent('0-999');
    expect(eventsIn(journal.lines)).toMatchObject([{ ...all, event_id: first?.body.event_id }]);
    expect(journal.held('gathering')).toEqual([]);
  });

  test('that was published incomplete absorbs further pieces for five minutes, even after a restart', async () => {
    const { intake, journal, open, clock } = world();
    await intake.submit(sent('0-999'));
    clock.now += HOLD_MS;
    await intake.recoverDue();
    for (const collector of [intake, open()]) {
      expect(await collector.submit(sent('1000-1999', 200))).toEqual(['duplicate']);
      expect(await collector.submit(sent('2000-2999', 299))).toEqual(['duplicate']);
    }
    clock.now += HOLD_MS;
    await open().recoverDue();
    expect(amounts(journal.lines)).toEqual([some(1000)]);
  });

  test('is held as long as the settings say', async () => {
    const { journal, clock, open } = world({ 'view.download': 100 });
    await open().submit(sent('0-999'));
    clock.now += 100;
    await open().recoverDue();
    expect(journal.lines).toHaveLength(1);
  });

  test('that is held is published after a restart with the same id', async () => {
    const { intake, journal, open, clock } = world();
    await intake.submit(sent('0-999'));
    clock.now += HOLD_MS;
    const again = open();
    await again.recoverDue();
    expect(eventsIn(journal.lines).map(({ event_id }) => event_id)).toEqual([sent('0-999')[0]?.body.event_id]);
    expect(await again.submit(sent('0-999'))).toEqual(['duplicate']);
  });

  test('loses no piece if the journal refuses one for a while', async () => {
    const { intake, journal } = world();
    await intake.submit(sent('0-1999'));
    journal.failures = 1;
    await expect(intake.submit(sent('2000-3999'))).rejects.toMatchObject({ code: 'journal_full' });
    expect(await intake.submit(sent('2000-3999'))).toEqual(['duplicate']);
    expect(amounts(journal.lines)).toEqual([all]);
  });

  test('is one event if its pieces come at the same moment and the journal is slow', async () => {
    const { intake, journal } = world();
    journal.manual = true;
    const submitted = Promise.all(PIECES.map((range) => intake.submit(sent(range))));
    while (journal.pending > 0) {
      journal.flush();
      await new Promise(setImmediate);
    }
    await submitted;
    expect(amounts(journal.lines)).toEqual([all]);
    expect(journal.heldLines.map(({ reason }) => reason)).toEqual(['remembered']);
  });
});

test('if very many downloads are held, the oldest is published early', async () => {
  const { intake, journal } = world();
  const HELD_MAX = 10_000;
  const many = Array.from({ length: HELD_MAX }, (_, at) =>
    sent({ range: '0-999', file: at.toString(16).padStart(24, '0') }),
  );
  await intake.submit(many.flat());
  expect([journal.lines.length, intake.waitingCount]).toEqual([0, HELD_MAX]);
  await intake.submit(sent('0-999'));
  expect(eventsIn(journal.lines)).toMatchObject([{ resource_id: '0'.repeat(24) }]);
  expect(intake.waitingCount).toBe(HELD_MAX);
});

test('pieces in any order, repeated, with restarts in between, are one event with their bytes', async () => {
  const piece = fc.record({ from: fc.nat(39), length: fc.integer({ min: 1, max: 10 }), restart: fc.boolean() });
  await fc.assert(
    fc.asyncProperty(fc.array(piece, { minLength: 1, maxLength: 8 }), async (drawn) => {
      const { intake, journal, open, clock } = world();
      const bytes = new Set<number>();
      let current = intake;
      for (const { from, length, restart } of drawn) {
        const [first, last] = [from * 100, Math.min(SIZE, (from + length) * 100) - 1];
        for (let byte = first; byte <= last; byte += 100) bytes.add(byte);
        if (restart) current = open();
        await current.submit(sent(`${first}-${last}`));
      }
      clock.now += HOLD_MS;
      await current.recoverDue();
      expect(amounts(journal.lines)).toEqual([{ bytes: bytes.size * 100, complete: bytes.size * 100 === SIZE }]);
    }),
    runs(200),
  );
});
