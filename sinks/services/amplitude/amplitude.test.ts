import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  AMPLITUDE_KEY,
  AmplitudeProject,
  eventsOf,
  startAmplitude,
} from '../../../test/support/sinks/amplitude-server.ts';
import { eventOf } from '../../../test/support/sinks/arbitrary-events.ts';
import { startFakeService, type FakeService, type ServiceAnswer } from '../../../test/support/sinks/fake-service.ts';
import { amplitude } from './amplitude.ts';
import { SinkError, type Sink, type SinkEvent } from '../../sink.ts';

const context = { log: { info: () => undefined, warn: () => undefined }, now: () => 1_760_000_000_000 };
const signal = AbortSignal.timeout(20_000);

function sinkAt(url: string, settings: object = {}): Promise<Sink> {
  return amplitude.open(amplitude.config.parse({ api_key: AMPLITUDE_KEY, url, ...settings }), context);
}

/** Events `e-0`, `e-1`, … by these clients, each about the resource with the same index. */
const batchOf = (clients: readonly string[], resources: readonly string[] = []): readonly SinkEvent[] =>
  clients.map((client, index) =>
    eventOf(
      'file.uploaded',
      { client_id: client },
      { id: `e-${index}`, resource: resources[index] ?? `file/${index}` },
    ),
  );

describe('the Amplitude sink', () => {
  let project: AmplitudeProject;
  let service: FakeService;
  let sink: Sink;
  beforeEach(async () => {
    project = new AmplitudeProject();
    service = await startAmplitude(project);
    sink = await sinkAt(service.url);
  });
  afterEach(() => service[Symbol.asyncDispose]());
  const stored = (): readonly unknown[] => project.stored.map((event) => event.insert_id);

  test('stores a batch in order, and once if it is sent twice', async () => {
    const batch = batchOf(['a', 'b', 'c']);
    expect(await sink.send(batch, signal)).toEqual({ kind: 'accepted' });
    expect(await sink.send(batch, signal)).toEqual({ kind: 'accepted' });
    expect(stored()).toEqual(['e-0', 'e-1', 'e-2']);
  });

  test('gives up the events that Amplitude names, and sends the others again, as a 400 stores none', async () => {
    project.refused.add('e-1');
    expect(await sink.send(batchOf(['a', 'b', 'c']), signal)).toEqual({
      kind: 'partial',
      rejected: new Map([['e-1', 'Amplitude: insert_id is not as it must be']]),
      again: ['e-0', 'e-2'],
      afterMs: 0,
    });
    expect(stored()).toEqual([]);
  });

  test('checks the key without storing anything', async () => {
    expect(await sink.check(signal)).toMatch(/^Amplitude at 127\.0\.0\.1:\d+ answers and does not object to the key/);
    expect(stored()).toEqual([]);
  });

  test('says what to do about a key that Amplitude does not know, without repeating it', async () => {
    await service.fault('unauthorised');
    const error = await sink.check(signal).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(SinkError);
    expect(error).toMatchObject({ code: 'unauthorised', message: expect.stringContaining('AMPLITUDE_API_KEY') });
    const outcome = await sink.send(batchOf(['a']), signal);
    expect(outcome).toMatchObject({
      kind: 'misconfigured',
      reason: expect.stringContaining('Invalid API key: REDACTED'),
    });
    expect(String(error) + JSON.stringify(outcome)).not.toContain(AMPLITUDE_KEY);
  });

  test('says so if nothing answers', async () => {
    await service.fault('away');
    await expect(sink.check(signal)).rejects.toMatchObject({ code: 'unreachable' });
    await expect(sink.send(batchOf(['a']), signal)).rejects.toThrow('fetch failed');
  });

  test('asks for a batch that is too large to be halved', async () => {
    await service.fault('small');
    const batch = batchOf(Array.from({ length: 11 }, () => 'a'));
    expect(await sink.send(batch, signal)).toMatchObject({ kind: 'too_large' });
  });
});

describe('if Amplitude answers', () => {
  const running: FakeService[] = [];
  afterEach(async () => {
    for (const service of running.splice(0)) await service[Symbol.asyncDispose]();
  });

  /** A service with these answers in turn. */
  async function answering(
    ...answers: readonly ServiceAnswer[]
  ): Promise<{ readonly sink: Sink; readonly service: FakeService }> {
    const left = [...answers];
    const service = await startFakeService({
      handle: () => left.shift() ?? { status: 200, body: '{"code":200}' },
      eventsIn: (request) => eventsOf(request).length,
    });
    running.push(service);
    return { sink: await sinkAt(service.url), service };
  }
  const answer = (status: number, body: object): ServiceAnswer => ({ status, body: JSON.stringify(body) });
  const idsSent = (service: FakeService): readonly unknown[][] =>
    service.requests.map((request) => eventsOf(request).map((event) => event.insert_id));

  test('429 for some devices, the others are sent at once and those after 30 s, in the order of each resource', async () => {
    const { sink, service } = await answering(answer(429, { throttled_devices: { fast: 31 }, throttled_events: [1] }));
    const batch = batchOf(['a', 'fast', 'b', 'c', 'fast'], ['file/1', 'file/2', 'file/2', 'file/3', 'file/4']);
    expect(await sink.send(batch, signal)).toEqual({
      kind: 'partial',
      rejected: new Map(),
      again: ['e-1', 'e-2', 'e-4'],
      afterMs: 30_000,
    });
    expect(idsSent(service)).toEqual([
      ['e-0', 'e-1', 'e-2', 'e-3', 'e-4'],
      ['e-0', 'e-3'],
    ]);
  });

  test("429 for a user over the daily quota, that user's events are tried again much later", async () => {
    const { sink } = await answering(answer(429, { exceeded_daily_quota_users: { u1: 500_001 } }));
    const batch = [eventOf('user.login', { user_id: 'u1' }), eventOf('user.login', { user_id: 'u2' }, { id: 'e-2' })];
    expect(await sink.send(batch, signal)).toMatchObject({ kind: 'partial', again: ['e-1'], afterMs: 900_000 });
  });

  test('429 for all of a batch, nothing more is sent', async () => {
    const { sink, service } = await answering(answer(429, { throttled_devices: { fast: 31 } }));
    expect(await sink.send(batchOf(['fast', 'fast']), signal)).toMatchObject({
      kind: 'partial',
      again: ['e-0', 'e-1'],
    });
    expect(service.requests).toHaveLength(1);
  });

  test('429 without saying for whom, the batch waits as long as the answer says', async () => {
    const { sink } = await answering(answer(429, {}), { ...answer(429, {}), headers: { 'retry-after': '7' } });
    expect(await sink.send(batchOf(['a']), signal)).toMatchObject({ kind: 'retry', afterMs: 30_000 });
    expect(await sink.send(batchOf(['a']), signal)).toMatchObject({ kind: 'retry', afterMs: 7000 });
  });

  test('429 and then refuses one of the others, all the rest is sent again', async () => {
    const { sink } = await answering(
      answer(429, { throttled_events: [0] }),
      answer(400, { events_with_missing_fields: { event_type: [1] } }),
    );
    expect(await sink.send(batchOf(['a', 'b', 'c', 'd']), signal)).toEqual({
      kind: 'partial',
      rejected: new Map([['e-2', 'Amplitude: event_type is missing']]),
      again: ['e-0', 'e-1', 'e-3'],
      afterMs: 30_000,
    });
  });

  test('429 and then fails, nothing is given up', async () => {
    const { sink } = await answering(answer(429, { throttled_events: [0] }), answer(503, {}));
    const outcome = await sink.send(batchOf(['a', 'b']), signal);
    expect(outcome).toMatchObject({ kind: 'partial', rejected: new Map(), again: ['e-0', 'e-1'] });
  });

  test('400 with silenced events and short ids, each is given up with its reason', async () => {
    const { sink } = await answering(
      answer(400, { silenced_events: [0, 9], events_with_invalid_id_lengths: { user_id: [2] } }),
    );
    expect(await sink.send(batchOf(['a', 'b', 'c']), signal)).toEqual({
      kind: 'partial',
      rejected: new Map([
        ['e-2', 'Amplitude: user_id is too short'],
        ['e-0', 'Amplitude: its device is silenced'],
      ]),
      again: ['e-1'],
      afterMs: 0,
    });
  });

  test('400 without naming an event, the batch counts as rejected, to be halved', async () => {
    const { sink } = await answering(answer(400, { error: 'Invalid event JSON' }), { status: 400, body: '<html>' });
    expect(await sink.send(batchOf(['a', 'b']), signal)).toEqual({
      kind: 'rejected',
      reason: 'HTTP 400: Invalid event JSON',
    });
    expect(await sink.send(batchOf(['a', 'b']), signal)).toEqual({ kind: 'rejected', reason: 'HTTP 400: <html>' });
  });

  test('403, the events are to blame if another request passes, and the network if none does', async () => {
    const forbidden = answer(403, { code: 403, error: 'Forbidden' });
    const { sink } = await answering(forbidden, answer(400, {}), forbidden, forbidden);
    expect(await sink.send(batchOf(['a']), signal)).toEqual({ kind: 'rejected', reason: 'HTTP 403: Forbidden' });
    expect(await sink.send(batchOf(['a']), signal)).toEqual({ kind: 'misconfigured', reason: 'HTTP 403: Forbidden' });
  });

  test('5xx, the batch is sent again', async () => {
    const { sink } = await answering(answer(500, {}), answer(502, {}), answer(503, {}), answer(504, {}));
    for (let count = 0; count < 4; count += 1)
      expect(await sink.send(batchOf(['a']), signal)).toMatchObject({ kind: 'retry' });
  });
});

describe('the settings', () => {
  test('choose the endpoint by region and interface', async () => {
    const service = await startFakeService({ handle: () => ({ status: 400, body: '{}' }), eventsIn: () => 0 });
    const paths = ['httpapi', 'batch'] as const;
    for (const api of paths) await (await sinkAt(service.url, { api })).check(signal);
    expect(service.requests.map(({ path }) => path)).toEqual(['/2/httpapi', '/batch']);
    await service[Symbol.asyncDispose]();
  });

  test('each have a variable, and no other name is accepted', () => {
    expect(amplitude.config.safeParse({ api_key: 'k', regio: 'eu' }).success).toBe(false);
    for (const setting of Object.values(amplitude.variables))
      expect(
        amplitude.config.safeParse({
          api_key: 'k',
          [setting]: setting === 'url' ? 'https://a.example' : setting === 'region' ? 'eu' : 'batch',
        }).success,
      ).toBe(true);
  });
});
