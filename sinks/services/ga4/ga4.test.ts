import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { eventOf } from '../../../test/support/sinks/arbitrary-events.ts';
import { startFakeService, type FakeService, type ServiceAnswer } from '../../../test/support/sinks/fake-service.ts';
import { GA4_SETTINGS, Ga4Property, idOf, readPayload, startGa4 } from '../../../test/support/sinks/ga4-server.ts';
import { ga4 } from './ga4.ts';
import type { Sink, SinkEvent } from '../../sink.ts';

const NOW_MS = 1_760_000_000_123;
const context = { log: { info: () => undefined, warn: () => undefined }, now: () => NOW_MS };
const signal = AbortSignal.timeout(20_000);
const sinkAt = (url: string, settings: object = {}): Promise<Sink> =>
  ga4.open(ga4.config.parse({ ...GA4_SETTINGS, url, ...settings }), context);
const event = (id: string, client = 'a'): SinkEvent =>
  eventOf('file.uploaded', { client_id: client }, { id, resource: `file/${id}` });

describe('the Google Analytics sink', () => {
  let property: Ga4Property;
  let service: FakeService;
  let sink: Sink;
  beforeEach(async () => {
    property = new Ga4Property(() => NOW_MS);
    service = await startGa4(property);
    sink = await sinkAt(service.url);
  });
  afterEach(async () => {
    await service[Symbol.asyncDispose]();
    if (property.complaints.length > 0) throw new Error(property.complaints.join('; '));
  });

  test('sends each client its own request, with nothing for advertising', async () => {
    expect(await sink.send([event('1', 'a'), event('2', 'b'), event('3', 'a')], signal)).toEqual({ kind: 'accepted' });
    const bodies = service.requests.map((request) => readPayload(request));
    expect(bodies.map((body) => [body.client_id, body.events.map(idOf)])).toEqual([
      ['a', ['1', '3']],
      ['b', ['2']],
    ]);
    expect(bodies[0]).toMatchObject({ consent: { ad_user_data: 'DENIED', ad_personalization: 'DENIED' } });
  });

  test('gives up events whose time Google would change, and sends the others', async () => {
    const old = { ...event('old'), createdMs: NOW_MS - 73 * 3_600_000 };
    expect(await sink.send([old, event('new')], signal)).toEqual({
      kind: 'partial',
      rejected: new Map([['old', expect.stringContaining('older than 72 hours')]]),
    });
    expect(property.stored.map(idOf)).toEqual(['new']);
  });

  test('checks with the validation server that its events are valid, and says what that does not show', async () => {
    expect(await sink.check(signal)).toMatch(/nothing is stored.*does not tell whether measurement id and API secret/);
    expect(service.requests.map(({ path }) => path.split('?')[0])).toEqual(['/debug/mp/collect']);
    property.refused.add('check');
    await expect(sink.check(signal)).rejects.toMatchObject({
      code: 'not_ready',
      message: expect.stringContaining('is not valid'),
    });
    await service.fault('away');
    const error: unknown = await sink.check(signal).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'unreachable' });
    expect(String(error)).not.toContain(GA4_SETTINGS.api_secret);
  });

  test("puts invalid events aside with `validate`, with the validation server's reasons", async () => {
    const strict = await sinkAt(service.url, { validate: 'true' });
    property.refused.add('2');
    expect(
      await strict.send(
        ['1', '2', '3', '4'].map((id) => event(id)),
        signal,
      ),
    ).toEqual({
      kind: 'partial',
      rejected: new Map([['2', 'Google Analytics: Event [file_uploaded] is not valid.']]),
    });
    expect(property.stored.map(idOf)).toEqual(['1', '3', '4']);
  });
});

describe('if Google Analytics answers', () => {
  const running: FakeService[] = [];
  afterEach(async () => {
    for (const service of running.splice(0)) await service[Symbol.asyncDispose]();
  });
  /** A service that answers by the ids of the events in a request. */
  async function answering(
    answer: (ids: readonly string[]) => ServiceAnswer,
  ): Promise<{ readonly sink: Sink; readonly sent: () => readonly string[] }> {
    const service = await startFakeService({
      handle: (request) => answer(readPayload(request).events.map(idOf)),
      eventsIn: (request) => readPayload(request).events.length,
    });
    running.push(service);
    return {
      sink: await sinkAt(service.url),
      sent: () => service.requests.map((request) => readPayload(request).events.map(idOf).join(' ')),
    };
  }

  test('one client with an error, the others are not sent again', async () => {
    const { sink } = await answering((ids) =>
      ids.includes('2') ? { status: 503, headers: { 'retry-after': '3' } } : { status: 204 },
    );
    expect(await sink.send([event('1', 'a'), event('2', 'b'), event('3', 'c')], signal)).toEqual({
      kind: 'partial',
      rejected: new Map(),
      again: ['2'],
      afterMs: 3000,
    });
  });

  test('the first request with an error, no other one is tried', async () => {
    const { sink, sent } = await answering(() => ({ status: 500, body: 'oops' }));
    expect(await sink.send([event('1', 'a'), event('2', 'b')], signal)).toEqual({
      kind: 'retry',
      reason: 'HTTP 500: oops',
    });
    expect(sent()).toEqual(['1']);
  });

  test('that a request is too large, its halves are sent, and an event that is too large alone is given up', async () => {
    const { sink, sent } = await answering((ids) => (ids.includes('3') ? { status: 413 } : { status: 204 }));
    expect(
      await sink.send(
        ['1', '2', '3', '4'].map((id) => event(id)),
        signal,
      ),
    ).toEqual({
      kind: 'partial',
      rejected: new Map([['3', 'HTTP 413']]),
    });
    expect(sent()).toEqual(['1 2 3 4', '1 2', '3 4', '3', '4']);
  });

  test('unlike Google does, the secret appears in no message about it', async () => {
    const { sink } = await answering(() => ({ status: 403, body: `not with ${GA4_SETTINGS.api_secret}` }));
    expect(await sink.send([event('1')], signal)).toEqual({
      kind: 'misconfigured',
      reason: 'HTTP 403: not with REDACTED',
    });
    await expect(sink.check(signal)).rejects.toMatchObject({ code: 'not_ready' });
  });
});
