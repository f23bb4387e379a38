import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createMapContext } from '../../taxonomy/map/context.ts';
import type { FlatBody } from '../../taxonomy/flat-body.ts';
import type { Attributes } from '../../taxonomy/telemetry.ts';
import { MemoryJournal } from '../../test/support/memory-journal.ts';
import { toAccessLine, type AccessLine } from './access-line.ts';
import { ConnectionCounter } from './connection-counter.ts';

const START = Date.UTC(2026, 10, 24, 12);
const MINUTE = 60_000;

let now = START;
let journal: MemoryJournal;
let counter: ConnectionCounter;
let outcomes: Record<'counted' | 'repeated' | 'late', number>;
let open: () => ConnectionCounter;
const context = createMapContext({ now: () => now, dayKey: (day) => `key of ${day}` });

beforeEach(() => {
  now = START;
  journal = new MemoryJournal(() => now);
  outcomes = { counted: 0, repeated: 0, late: 0 };
  open = () =>
    new ConnectionCounter({
      journal,
      windowMs: MINUTE,
      latenessMs: MINUTE,
      context,
      now: () => now,
      observer: { lines: (outcome, count) => void (outcomes[outcome] += count), closed: () => {} },
    });
  counter = open();
});

let lines = 0;
function line(
  atMs: number,
  attributes: Attributes = {},
  resource: Attributes = { 'service.name': 'nginx' },
): AccessLine {
  lines += 1;
  const record = {
    timeUnixNano: BigInt(atMs) * 1_000_000n,
    observedTimeUnixNano: 0n,
    traceId: '',
    resource,
    attributes: {
      'http.request.method': 'GET',
      'http.response.status_code': 200n,
      'http.response.body.size': 10n,
      'client.address': '192.0.2.1',
      'user_agent.original': 'curl/8',
      'nginx.connection': 1n,
      'nginx.connection_requests': 2n,
      'nginx.request_id': `${lines.toString(16).padStart(13, '0')}${'0'.repeat(19)}`,
      ...attributes,
    },
  };
  const read = toAccessLine(record, context);
  if (read === undefined) throw new Error('it is not a line of an access log');
  return read;
}
const events = (): FlatBody[] => journal.lines.map((one) => JSON.parse(one) as FlatBody);
const total = (): number => events().reduce((sum, event) => sum + Number(event['requests']), 0);

test('a window counts connections, requests, clients, answers and bytes, with robots separate', async () => {
  const robot = { 'user_agent.original': 'Googlebot/2.1', 'client.address': '192.0.2.9', 'nginx.connection': 5n };
  await counter.count([
    line(START, { 'nginx.connection_requests': 1n }),
    line(START + 1, { 'http.response.status_code': 404n }),
    line(START + 59_999, { 'client.address': '2001:db8::1', 'nginx.connection': 2n, 'http.response.body.size': 5n }),
    line(START + 60_000),
    line(START + 2, robot),
  ]);
  now = START + 2 * MINUTE;
  expect(await counter.closeDue()).toBe(1);
  expect(events()).toEqual([
    expect.objectContaining({
      event: 'health.connections',
      created: START + MINUTE,
      source: 'nginx',
      component: 'nginx',
      window_start: START,
      window_end: START + MINUTE,
      connections: 2,
      new_connections: 1,
      requests: 3,
      unique_clients: 2,
      responses_2xx: 2,
      responses_4xx: 1,
      responses_5xx: 0,
      bytes: 25,
      bot_connections: 1,
      bot_requests: 1,
      bot_clients: 1,
      bot_responses_2xx: 1,
      bot_responses_4xx: 0,
      bot_bytes: 10,
      category: 'health',
      type: 'connections',
    }),
  ]);
  expect(journal.lines.join()).not.toMatch(/192\.0\.2|2001:db8/);
});

test('a stock log has no connections, and the event leaves them out', async () => {
  await counter.count([line(START, { 'nginx.connection': undefined, 'nginx.connection_requests': undefined })]);
  now += 2 * MINUTE;
  await counter.closeDue();
  expect(events()[0]).not.toHaveProperty('connections');
  expect(events()[0]).not.toHaveProperty('new_connections');
});

test('each instance and each web server has windows of its own, with ids that differ and stay the same', async () => {
  await counter.count([
    line(START),
    line(START, {}, { 'service.name': 'other' }),
    line(START, { 'clowder.instance': 'b' }),
    line(START + MINUTE),
  ]);
  now += 5 * MINUTE;
  expect(await counter.closeDue()).toBe(4);
  expect(new Set(events().map(({ event_id }) => event_id)).size).toBe(4);
  const first = events()[0]?.event_id;
  journal = new MemoryJournal(() => now);
  counter = open();
  await counter.count([line(START, { 'http.response.status_code': 500n })]);
  now += 5 * MINUTE;
  await counter.closeDue();
  expect(events()[0]?.event_id).toBe(first);
});

describe('a window', () => {
  test('stays open until lateness has passed since its end', async () => {
    await counter.count([line(START)]);
    now = START + 2 * MINUTE - 1;
    expect(await counter.closeDue()).toBe(0);
    now = START + 2 * MINUTE;
    expect(await counter.closeDue()).toBe(1);
  });

  test('of long ago stays open while its lines keep coming, in any order', async () => {
    now = START + 600 * MINUTE;
    await counter.count([line(START + 300 * MINUTE), line(START)]);
    now += MINUTE - 1;
    await counter.count([line(START)]);
    now += MINUTE - 1;
    expect(await counter.closeDue()).toBe(1);
    await counter.count([line(START)]);
    now += MINUTE;
    await counter.closeDue();
    expect(total()).toBe(4);
  });

  test('that is closed accepts no more lines: they are late, even after a restart', async () => {
    const one = line(START);
    await counter.count([one]);
    now += 2 * MINUTE;
    await counter.closeDue();
    for (const restart of [false, true]) {
      if (restart) counter = open();
      await counter.count([one, line(START)]);
      now += 10 * MINUTE;
      expect(await counter.closeDue()).toBe(0);
    }
    expect(total()).toBe(1);
    expect(outcomes).toEqual({ counted: 1, repeated: 0, late: 4 });
  });

  test('leaves only a note in the journal, which is deleted in time', async () => {
    await counter.count([line(START)]);
    await counter.count([line(START), line(START + MINUTE)]);
    now += 2 * MINUTE;
    await counter.closeDue();
    expect(journal.counted()).toHaveLength(2);
    now += MINUTE;
    await counter.closeDue();
    expect(journal.counted()).toHaveLength(2);
    now += 30 * 24 * 60 * MINUTE;
    await counter.count([line(now)]);
    now += 2 * MINUTE;
    await counter.closeDue();
    expect(journal.counted()).toHaveLength(1);
  });
});

test('a line from more than a week ago, or more than a day ahead, is late', async () => {
  await counter.count([line(START - 8 * 24 * 60 * MINUTE), line(START + 25 * 60 * MINUTE), line(START)]);
  expect(outcomes).toEqual({ counted: 1, repeated: 0, late: 2 });
});

test('a batch that comes again, whole or in part, counts nothing twice, even after a restart', async () => {
  const batch = [line(START), line(START + 1)];
  await counter.count([...batch, ...batch]);
  await counter.count(batch);
  counter = open();
  await counter.count([...batch, line(START + 2)]);
  now += 2 * MINUTE;
  await counter.closeDue();
  expect(total()).toBe(3);
  expect(outcomes).toEqual({ counted: 3, repeated: 6, late: 0 });
});

test('a window open before a restart still accepts lines that waited during it', async () => {
  await counter.count([line(START)]);
  now += 60 * MINUTE;
  counter = open();
  expect(await counter.closeDue()).toBe(0);
  await counter.count([line(START + 1)]);
  now += MINUTE;
  await counter.closeDue();
  expect(events()).toEqual([expect.objectContaining({ requests: 2 })]);
});

describe('if the journal cannot be written', () => {
  test('lines do not count until they are sent again', async () => {
    const batch = [line(START), line(START + 1, { 'user_agent.original': 'Googlebot/2.1' }), line(START + 61_000)];
    const before = line(START, { 'client.address': '192.0.2.2', 'nginx.connection': 7n });
    await counter.count([before]);
    journal.failures = 1;
    await expect(counter.count(batch)).rejects.toThrow('full');
    expect(counter.openCount).toBe(1);
    await counter.count(batch);
    now += 5 * MINUTE;
    await counter.closeDue();
    expect(events()).toEqual([
      expect.objectContaining({ requests: 2, bot_requests: 1, unique_clients: 2, connections: 2, bytes: 20 }),
      expect.objectContaining({ requests: 1 }),
    ]);
  });

  test('a window stays open, and closes later with everything it had', async () => {
    await counter.count([line(START)]);
    now += 2 * MINUTE;
    journal.failures = 1;
    await expect(counter.closeDue()).rejects.toThrow('full');
    expect(events()).toEqual([]);
    expect(await counter.closeDue()).toBe(1);
    expect(total()).toBe(1);
  });
});

describe('while a line is being written', () => {
  beforeEach(() => {
    journal.manual = true;
  });
  afterEach(() => {
    journal.manual = false;
  });

  test('the same line from another sender is acknowledged only once the first is on disk', async () => {
    const one = line(START);
    const first = counter.count([one]);
    let acknowledged = false;
    const second = counter.count([one]).then(() => (acknowledged = true));
    await new Promise(setImmediate);
    expect(acknowledged).toBe(false);
    journal.flush();
    await Promise.all([first, second]);
    expect(outcomes.repeated).toBe(1);
  });

  test('the same line from other senders is refused too if the write fails', async () => {
    const one = line(START);
    journal.failures = 1;
    const sent = [counter.count([one]), counter.count([one])];
    journal.flush();
    expect((await Promise.allSettled(sent)).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  });

  test('its window does not close', async () => {
    const sent = counter.count([line(START)]);
    now += 2 * MINUTE;
    expect(await counter.closeDue()).toBe(0);
    journal.flush();
    await sent;
  });
});
