import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { eventOf } from '../../../test/support/sinks/arbitrary-events.ts';
import { startFakeService, type FakeService } from '../../../test/support/sinks/fake-service.ts';
import { InfluxStore, influxSettings, startInflux } from '../../../test/support/sinks/influxdb-server.ts';
import { influxdb } from './influxdb.ts';
import type { Sink, SinkEvent } from '../../sink.ts';

const LOG = { info: () => undefined, warn: () => undefined };
const open = (settings: object): Promise<Sink> =>
  influxdb.open(influxdb.config.parse(settings), { log: LOG, now: () => 1_760_000_000_000 });
const send = async (sink: Sink, ...events: readonly SinkEvent[]): ReturnType<Sink['send']> =>
  sink.send(events, AbortSignal.timeout(5000));
const check = (sink: Sink): Promise<string> => sink.check(AbortSignal.timeout(5000));
const download = (id: string, fields: Record<string, string | number | boolean> = {}): SinkEvent =>
  eventOf('view.download', { client_kind: 'browser', ...fields }, { id });

describe('the influxdb sink', () => {
  let store: InfluxStore;
  let service: FakeService;
  beforeEach(async () => {
    store = new InfluxStore();
    service = await startInflux(store);
  });
  afterEach(async () => {
    await service[Symbol.asyncDispose]();
    if (store.complaints.length > 0) throw new Error(`InfluxDB complains of ${store.complaints.join(', ')}`);
  });
  const firstSettings = (): object => ({ url: service.url, user: 'writer', password: 'secret' });
  const storedIds = (): readonly unknown[] => [...store.points.values()].map(({ fields }) => fields['event_id']);

  it('writes to InfluxDB 1 with user and password, to the database that existing consumers write to', async () => {
    const sink = await open(firstSettings());
    expect(await send(sink, download('a'))).toEqual({ kind: 'accepted' });
    expect(service.requests[0]).toMatchObject({ path: '/write?db=eventsink', headers: { 'content-encoding': 'gzip' } });
    expect(storedIds()).toEqual(['a']);
  });

  it('writes to InfluxDB 2 with a token, under a path if the server has one', async () => {
    const sink = await open(influxSettings(service.url));
    expect(await send(sink, download('a'))).toEqual({ kind: 'accepted' });
    expect(service.requests[0]?.path).toBe('/api/v2/write?bucket=clowder&org=lab');
    const behind = await open({ ...influxSettings(`${service.url}/influx`) });
    await send(behind, download('a'));
    expect(service.requests[1]?.path).toBe('/influx/api/v2/write?bucket=clowder&org=lab');
  });

  it('keeps events of the same millisecond and series apart, and a repeated event once', async () => {
    const sink = await open(influxSettings(service.url));
    const events = Array.from({ length: 300 }, (_, index) => download(`event ${index}`, { user_id: 'ada' }));
    await send(sink, ...events);
    await send(sink, ...events.slice(100));
    await send(sink, ...events.toReversed().slice(50));
    expect(storedIds()).toEqual(events.map(({ id }) => id));
  });

  it('keeps any number of them apart if the id is a tag', async () => {
    const sink = await open({ ...influxSettings(service.url), event_id: 'tag' });
    await send(sink, ...Array.from({ length: 5000 }, (_, index) => download(`event ${index}`)));
    expect(store.points.size).toBe(5000);
  });

  it.each([
    ['1', firstSettings],
    ['2', () => influxSettings(service.url)],
  ])(
    'reports a batch as refused if InfluxDB %s accepted part of it, and sending it again changes nothing',
    async (_, settings) => {
      const sink = await open(settings());
      await send(sink, download('first', { mine: 1 }));
      const batch = [download('good'), download('conflict', { mine: 'one' }), download('also good')];
      expect(await send(sink, ...batch)).toMatchObject({
        kind: 'rejected',
        reason: expect.stringContaining('field type conflict: input field'),
      });
      expect(await send(sink, ...batch.slice(0, 1))).toEqual({ kind: 'accepted' });
      expect(await send(sink, ...batch.slice(1, 2))).toMatchObject({ kind: 'rejected' });
      expect(storedIds()).toEqual(['first', 'good', 'also good']);
    },
  );

  it('refuses events by id if InfluxDB cannot have their time, and stores the rest', async () => {
    const sink = await open(influxSettings(service.url));
    const late = eventOf('view.page', {}, { id: 'late', createdMs: 1e16 });
    const outcome = await send(sink, download('a'), late);
    expect(outcome.kind === 'partial' && [...outcome.rejected.keys()]).toEqual(['late']);
    expect(storedIds()).toEqual(['a']);
  });

  it('says in a dry run what it found, and stores nothing', async () => {
    expect(await check(await open(firstSettings()))).toContain('(1.8.10) takes what we write to database eventsink');
    expect(await check(await open(influxSettings(service.url)))).toContain(
      '(v2.7.1) takes what we write to bucket clowder',
    );
    expect(store.points.size).toBe(0);
  });

  it.each([
    ['an unknown token', { token: 'wrong' }, 'unauthorised', 'INFLUXDB_TOKEN'],
    ['a missing bucket', { bucket: 'no' }, 'not_ready', 'bucket not found'],
    ['a missing organisation', { org: 'no' }, 'not_ready', 'organization name not found'],
  ])('says in a dry run what to do about %s', async (_, wrong, code, text) => {
    const sink = await open({ ...influxSettings(service.url), ...wrong });
    await expect(check(sink)).rejects.toMatchObject({ code, message: expect.stringContaining(text) });
    expect(await send(sink, download('a'))).toMatchObject({ kind: 'misconfigured' });
  });

  it.each([
    [422, '{"message":"partial write: max-series-per-database limit exceeded: (1000000) dropped=1"}', 'misconfigured'],
    [400, '{"error":"partial write: max-values-per-tag limit exceeded (100000/100000)"}', 'misconfigured'],
    [500, '{"error":"retention policy not found: month"}', 'misconfigured'],
    [500, '{"error":"timeout"}', 'retry'],
    [503, '{"error":"unavailable"}', 'retry'],
    [201, '{"error":"partial write of line protocol occurred"}', 'rejected'],
    [413, '{"error":"Request Entity Too Large"}', 'too_large'],
  ])('treats an answer %i %s as %s', async (status, body, kind) => {
    await service[Symbol.asyncDispose]();
    service = await startFakeService({ eventsIn: () => 1, handle: () => ({ status, body }) });
    const sink = await open(influxSettings(service.url));
    expect(await send(sink, download('a'))).toMatchObject({ kind });
  });
});

describe('the settings of the influxdb sink', () => {
  const url = 'http://influx.example.org:8086';

  it('need only the address', () => {
    expect(influxdb.config.parse({ url })).toEqual({ url, measurement: 'events', event_id: 'field' });
  });

  it.each([
    [{}, 'url'],
    [{ url: 'http://ada:secret@influx.example.org' }, 'url'],
    [{ url, bucket: 'clowder', database: 'eventsink' }, 'bucket'],
    [{ url, user: 'ada' }, 'password'],
    [{ url, measurement: '_internal' }, 'measurement'],
    [{ url, event_id: 'both' }, 'event_id'],
  ])('%j are refused over %s', (settings, name) => {
    expect(influxdb.config.safeParse(settings).error?.issues.map(({ path }) => path.join('.'))).toEqual([name]);
  });

  it('each have a variable of their own', () => {
    expect(Object.keys(influxdb.variables)).toEqual([
      'INFLUXDB_URL',
      'INFLUXDB_DATABASE',
      'INFLUXDB_RETENTION_POLICY',
      'INFLUXDB_USER',
      'INFLUXDB_PASSWORD',
      'INFLUXDB_BUCKET',
      'INFLUXDB_ORG',
      'INFLUXDB_TOKEN',
      'INFLUXDB_MEASUREMENT',
      'INFLUXDB_EVENT_ID',
    ]);
  });
});
