import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { influxdb } from '../../../sinks/services/influxdb/influxdb.ts';
import type { FieldValue, Sink, SinkEvent } from '../../../sinks/sink.ts';
import { startInfluxServer, type InfluxServer } from '../../support/influxdb.ts';
import { eventOf } from '../../support/sinks/arbitrary-events.ts';
import { influxdbHarness } from '../../support/sinks/influxdb-server.ts';
import { sinkContract } from './contract.ts';

sinkContract(influxdbHarness);

describe('a real InfluxDB 1', () => {
  let server: InfluxServer;
  beforeAll(async () => {
    server = await startInfluxServer();
    await server.query('CREATE DATABASE eventsink');
  });
  afterAll(() => server[Symbol.asyncDispose]());

  const log = { info: () => undefined, warn: () => undefined };
  const open = (settings: object = {}): Promise<Sink> => {
    const { url, user, password } = server;
    return influxdb.open(influxdb.config.parse({ url, user, password, ...settings }), { log, now: Date.now });
  };
  const send = (sink: Sink, ...events: readonly SinkEvent[]): ReturnType<Sink['send']> =>
    sink.send(events, AbortSignal.timeout(10_000));
  const event = (id: string, fields: Record<string, FieldValue> = {}): SinkEvent =>
    eventOf('view.download', fields, { id });

  test('has each event once, including events of the same millisecond and repeated ones', async () => {
    const sink = await open({ measurement: 'once' });
    const events = Array.from({ length: 300 }, (_, index) => event(`event ${index}`, { user_id: 'ada', bytes: index }));
    for (const batch of [events, events.slice(100), events.toReversed().slice(50)])
      expect(await send(sink, ...batch)).toEqual({ kind: 'accepted' });
    const [sum] = await server.query('SELECT count(event_id), sum(bytes) FROM once', 'eventsink');
    expect(sum).toMatchObject({ count: 300, sum: (299 * 300) / 2 });
  });

  test('returns every character of an event unchanged', async () => {
    const sink = await open({ measurement: 'odd, =names' });
    const texts = { resource_name: 'a "b" \\ c, d=e \\', title: '漢 🐘 é', url: 'https://x.example/?a=1,2&b=%20' };
    const odd = { 'my, own=field "x"': 'y', time: 'mine', _field: 'mine too', ok: true, mine: 1.5, bytes: 7 };
    const tags = { user_id: 'LAB\\ada, the=first \\', category: 'down\nload', healthy: false };
    expect(await send(sink, event('a', { ...texts, ...odd, ...tags }))).toEqual({ kind: 'accepted' });
    const [row] = await server.query('SELECT * FROM "odd, =names"', 'eventsink');
    expect(row).toMatchObject({
      ...texts,
      'my, own=field "x"': 'y',
      clowder_time: 'mine',
      clowder__field: 'mine too',
      ok: true,
      mine: 1.5,
      bytes: 7,
      user_id: 'LAB\\ada, the=first /',
      category: 'down load',
      healthy: 'False',
      event: 'view.download',
      event_id: 'a',
    });
  });

  test('accepts part of a batch with conflicting types, and is not stopped by names with control characters', async () => {
    const sink = await open({ measurement: 'types' });
    expect(await send(sink, event('first', { 'na\0me\r': 1 }))).toEqual({ kind: 'accepted' });
    const conflict = event('conflict', { 'na\0me\r': 'one' });
    expect(await send(sink, event('good'), conflict)).toMatchObject({
      kind: 'rejected',
      reason: expect.stringContaining('field type conflict'),
    });
    expect(await send(sink, conflict)).toMatchObject({ kind: 'rejected' });
    const ids = await server.query('SELECT event_id FROM types', 'eventsink');
    expect(ids.map(({ event_id: id }) => String(id)).toSorted()).toEqual(['first', 'good']);
  });

  test.each([
    ['the password is wrong', { password: 'another' }, 'unauthorised'],
    ['the database is missing', { database: 'missing' }, 'not_ready'],
  ])('keeps everything waiting while %s, and the dry run says so', async (_, wrong, code) => {
    const sink = await open(wrong);
    expect(await send(sink, event('a'))).toMatchObject({ kind: 'misconfigured' });
    await expect(sink.check(AbortSignal.timeout(5000))).rejects.toMatchObject({ code });
  });

  test('has nothing more after a dry run', async () => {
    const before = await server.query('SHOW MEASUREMENTS', 'eventsink');
    expect(await (await open()).check(AbortSignal.timeout(5000))).toContain(
      'takes what we write to database eventsink',
    );
    expect(await server.query('SHOW MEASUREMENTS', 'eventsink')).toEqual(before);
  });
});
