import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { eventOf } from '../../../test/support/sinks/arbitrary-events.ts';
import { startFakeService, type FakeService, type ServiceAnswer } from '../../../test/support/sinks/fake-service.ts';
import { MATOMO_SITE, MATOMO_TOKEN, MatomoInstance, startMatomo } from '../../../test/support/sinks/matomo-server.ts';
import { matomo } from './matomo.ts';
import type { Sink, SinkEvent } from '../../sink.ts';

const NOW_MS = 1_760_000_000_000;
const context = { log: { info: () => undefined, warn: () => undefined }, now: () => NOW_MS };
const signal = AbortSignal.timeout(20_000);
const settings = { site_id: String(MATOMO_SITE), token: MATOMO_TOKEN };
const sinkAt = (url: string, more: object = {}): Promise<Sink> =>
  matomo.open(matomo.config.parse({ ...settings, url: `${url}/matomo`, ...more }), context);
const event = (id: string, ageMs = 0): SinkEvent =>
  eventOf('file.uploaded', { file_id: id }, { id, createdMs: NOW_MS - ageMs });

describe('the Matomo sink', () => {
  let instance: MatomoInstance;
  let service: FakeService;
  let sink: Sink;
  beforeEach(async () => {
    instance = new MatomoInstance(() => NOW_MS);
    service = await startMatomo(instance);
    sink = await sinkAt(service.url);
  });
  afterEach(async () => {
    await service[Symbol.asyncDispose]();
    if (instance.complaints.length > 0) throw new Error(instance.complaints.join('; '));
  });
  const stored = (): readonly (string | null)[] => instance.stored.map((query) => query.get('rand'));

  test('stores a batch in order, including old events', async () => {
    expect(await sink.send([event('1', 90 * 86_400_000), event('2')], signal)).toEqual({ kind: 'accepted' });
    expect(stored()).toEqual(['1', '2']);
  });

  test('gives up the events that Matomo names to a super user', async () => {
    instance.refused.add('2');
    expect(await sink.send([event('1'), event('2'), event('3')], signal)).toMatchObject({
      kind: 'partial',
      rejected: new Map([['2', expect.any(String)]]),
    });
    expect(stored()).toEqual(['1', '3']);
  });

  test('gives up the oldest events if Matomo only says how many it refused, as it refuses no others', async () => {
    instance.user = 'writer';
    instance.keepFromMs = NOW_MS - 5000;
    expect(await sink.send([event('1'), event('2', 9000), event('3', 100), event('4', 6000)], signal)).toEqual({
      kind: 'partial',
      rejected: new Map([
        ['2', expect.stringContaining('older than the raw data')],
        ['4', expect.stringContaining('older than the raw data')],
      ]),
    });
    expect(stored()).toEqual(['1', '3']);
  });

  test('gives up a whole batch only if the token and the website are right', async () => {
    instance.keepFromMs = NOW_MS - 5000;
    expect(await sink.send([event('1', 9000)], signal)).toMatchObject({
      kind: 'partial',
      rejected: new Map([['1', expect.any(String)]]),
    });
    instance.user = 'viewer';
    expect(await sink.send([event('2')], signal)).toMatchObject({
      kind: 'misconfigured',
      reason: expect.stringContaining('MATOMO_TOKEN'),
    });
    expect(stored()).toEqual([]);
  });

  test('checks the token and the website without storing anything', async () => {
    for (const user of ['superuser', 'writer'] as const) {
      instance.user = user;
      expect(await sink.check(signal)).toMatch(/the token may write to website 7; nothing is stored/);
    }
    expect(stored()).toEqual([]);
  });

  test('says what is wrong with the token, the website or the address, and never shows the token', async () => {
    const problemOf = async (other: Sink): Promise<unknown> => other.check(signal).catch((thrown: unknown) => thrown);
    instance.user = 'viewer';
    const problems = [await problemOf(sink)];
    instance.user = 'nobody';
    problems.push(await problemOf(sink));
    instance.user = 'writer';
    problems.push(await problemOf(await sinkAt(service.url, { site_id: 8 })));
    problems.push(await problemOf(await sinkAt(`${service.url}/elsewhere`)));
    expect(problems).toMatchObject([
      { code: 'unauthorised', message: expect.stringContaining('without write access to website 7') },
      { code: 'unauthorised', message: expect.stringContaining('Unable to authenticate') },
      { code: 'unauthorised', message: expect.stringContaining('website 8') },
      { code: 'unauthorised', message: expect.stringContaining('Check MATOMO_URL') },
    ]);
    await service.fault('away');
    problems.push(await problemOf(sink));
    expect(problems.at(-1)).toMatchObject({ code: 'unreachable' });
    for (const problem of problems) expect(String(problem)).not.toContain(MATOMO_TOKEN);
    for (const { path } of service.requests) expect(path).not.toContain(MATOMO_TOKEN);
  });
});

describe('if Matomo answers', () => {
  const running: FakeService[] = [];
  afterEach(async () => {
    for (const service of running.splice(0)) await service[Symbol.asyncDispose]();
  });
  async function outcomeOf(answer: ServiceAnswer): Promise<unknown> {
    const service = await startFakeService({ handle: () => answer, eventsIn: () => 0 });
    running.push(service);
    return (await sinkAt(service.url)).send([event('1'), event('2', 10), event('3')], signal);
  }
  const bulk = (body: object): ServiceAnswer => ({ status: 200, body: JSON.stringify(body) });

  test('that a lock stopped it from storing some events, without naming them, all are sent again', async () => {
    expect(await outcomeOf(bulk({ status: 'success', tracked: 2, invalid: 0 }))).toMatchObject({ kind: 'retry' });
    expect(await outcomeOf(bulk({ status: 'success', tracked: 1, invalid: 1 }))).toMatchObject({
      kind: 'partial',
      rejected: new Map([['2', expect.any(String)]]),
      again: ['1', '3'],
    });
  });

  test('with an error, everything is sent again, as its transaction is undone', async () => {
    expect(await outcomeOf({ status: 500, body: '{"status":"error","tracked":1,"invalid":0}' })).toMatchObject({
      kind: 'retry',
    });
    expect(await outcomeOf(bulk({ status: 'error', tracked: 1, invalid: 0 }))).toMatchObject({ kind: 'retry' });
  });

  test('with a picture, the address is not that of the bulk tracking', async () => {
    expect(await outcomeOf({ status: 200, body: 'GIF89a' })).toEqual({
      kind: 'misconfigured',
      reason: "what answers is not Matomo's bulk tracking: GIF89a",
    });
  });
});

describe('the settings', () => {
  test('accept the address with and without matomo.php, and dimensions in the form of a variable', async () => {
    const service = await startFakeService({ handle: () => ({ status: 200, body: '[7]' }), eventsIn: () => 0 });
    for (const url of ['/', '/stats/', '/stats/matomo.php', '/stats/piwik.php'])
      await (
        await matomo.open(matomo.config.parse({ ...settings, url: `${service.url}${url}` }), context)
      ).check(signal);
    await service[Symbol.asyncDispose]();
    expect([...new Set(service.requests.map(({ path }) => path))]).toEqual([
      '/index.php',
      '/matomo.php',
      '/stats/index.php',
      '/stats/matomo.php',
      '/stats/piwik.php',
    ]);
    const { dimensions } = matomo.config.parse({
      ...settings,
      url: 'https://m.example',
      dimensions: 'event_id=1, client_kind=2',
    });
    expect(dimensions).toEqual({ event_id: 1, client_kind: 2 });
  });

  test.each([
    [{ url: 'https://user:word@m.example' }, 'must have no user and password in it'],
    [{ site_id: 'seven' }, 'site_id'],
    [{ dimensions: 'event_id' }, 'dimensions'],
  ])('refuse %o', (wrong, message) => {
    const { error } = matomo.config.safeParse({ ...settings, url: 'https://m.example', ...wrong });
    expect(JSON.stringify(error?.issues)).toContain(message);
  });
});
