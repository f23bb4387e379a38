import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { exportResponse, statusBody } from '../../../collector/otlp/responses.ts';
import { eventOf } from '../../../test/support/sinks/arbitrary-events.ts';
import { startFakeService, type FakeService, type ServiceAnswer } from '../../../test/support/sinks/fake-service.ts';
import { idOfRecord, OTLP_KEY, OtlpBackend, startOtlpBackend } from '../../../test/support/sinks/otlp-server.ts';
import { otlp } from './otlp.ts';
import type { Sink, SinkEvent } from '../../sink.ts';

const signal = AbortSignal.timeout(20_000);
const warnings: object[] = [];
const context = {
  log: { info: () => undefined, warn: (fields: object) => warnings.push(fields) },
  now: () => 1_760_000_000_000,
};
const sinkAt = (endpoint: string, settings: object = {}): Promise<Sink> =>
  otlp.open(otlp.config.parse({ endpoint, headers: { authorization: OTLP_KEY }, ...settings }), context);
const batch: readonly SinkEvent[] = ['1', '2', '3'].map((id) => eventOf('file.uploaded', { file_id: id }, { id }));

describe('the OTLP sink', () => {
  let backend: OtlpBackend;
  let service: FakeService;
  let sink: Sink;
  beforeEach(async () => {
    backend = new OtlpBackend();
    service = await startOtlpBackend(backend);
    sink = await sinkAt(service.url);
  });
  afterEach(async () => {
    await service[Symbol.asyncDispose]();
    if (backend.complaints.length > 0) throw new Error(backend.complaints.join('; '));
  });

  test('sends a batch in order, compressed by default', async () => {
    expect(await sink.send(batch, signal)).toEqual({ kind: 'accepted' });
    for (const compression of ['none', 'zstd'] as const)
      expect(await (await sinkAt(`${service.url}/v1/logs`, { compression })).send(batch, signal)).toEqual({
        kind: 'accepted',
      });
    expect(backend.stored.map(idOfRecord)).toEqual(['1', '2', '3', '1', '2', '3', '1', '2', '3']);
    expect(service.requests.map(({ headers }) => headers['content-encoding'])).toEqual(['gzip', undefined, 'zstd']);
  });

  test('checks the address and the key with an empty request', async () => {
    expect(await sink.check(signal)).toMatch(/takes requests; the one that this sent is empty, and nothing is stored/);
    expect(backend.stored).toEqual([]);
    const stranger = await sinkAt(service.url, { headers: { authorization: 'Bearer somebody-else' } });
    await expect(stranger.check(signal)).rejects.toMatchObject({
      code: 'unauthorised',
      message: expect.stringContaining('SINK_OTLP_HEADERS'),
    });
    expect(await stranger.send(batch, signal)).toMatchObject({ kind: 'misconfigured' });
    const elsewhere = await sinkAt(`${service.url}/elsewhere`);
    await expect(elsewhere.check(signal)).rejects.toMatchObject({
      code: 'not_ready',
      message: expect.stringContaining('SINK_OTLP_ENDPOINT'),
    });
    await service.fault('away');
    await expect(sink.check(signal)).rejects.toMatchObject({ code: 'unreachable' });
  });
});

describe('if the backend answers', () => {
  const running: FakeService[] = [];
  afterEach(async () => {
    for (const service of running.splice(0)) await service[Symbol.asyncDispose]();
    warnings.length = 0;
  });
  async function outcomeOf(answer: ServiceAnswer): Promise<unknown> {
    const service = await startFakeService({ handle: () => answer, eventsIn: () => 0 });
    running.push(service);
    return (await sinkAt(service.url)).send(batch, signal);
  }
  const encodings = ['protobuf', 'json'] as const;
  const contentTypes = { protobuf: 'application/x-protobuf', json: 'application/json; charset=utf-8' };
  const partial = (encoding: (typeof encodings)[number], rejected: number, message: string): ServiceAnswer => ({
    status: 200,
    headers: { 'content-type': contentTypes[encoding] },
    body: Buffer.from(exportResponse(encoding, 'logs', rejected, message)),
  });

  test.each(encodings)('in %s that it refused some, the batch is put aside and never sent again', async (encoding) => {
    const reason = 'the backend refused 2 of 3 events, this one or others: the rest of them is stored there (too long)';
    expect(await outcomeOf(partial(encoding, 2, 'too long'))).toEqual({
      kind: 'partial',
      rejected: new Map(['1', '2', '3'].map((id) => [id, reason])),
    });
  });

  test.each(encodings)('in %s that it refused all, each is put aside', async (encoding) => {
    const outcome = await outcomeOf(partial(encoding, 300, ''));
    expect(outcome).toEqual({
      kind: 'partial',
      rejected: new Map(['1', '2', '3'].map((id) => [id, 'the backend refused it'])),
    });
  });

  test.each(encodings)('in %s with a warning, the events are accepted and the warning is logged', async (encoding) => {
    expect(await outcomeOf(partial(encoding, 0, 'old names'))).toEqual({ kind: 'accepted' });
    expect(warnings).toEqual([{ warning: 'old names' }]);
  });

  test('with 2xx and an unknown body, it is another kind of server, unless the body is empty or unreadable', async () => {
    expect(await outcomeOf({ status: 200, headers: { 'content-type': 'text/html' }, body: '<html>' })).toEqual({
      kind: 'misconfigured',
      reason: 'what answers is not an OTLP receiver: <html>',
    });
    expect(await outcomeOf({ status: 202 })).toEqual({ kind: 'accepted' });
    expect(await outcomeOf({ status: 200, headers: { 'content-type': 'application/json' }, body: 'oops' })).toEqual({
      kind: 'accepted',
    });
  });

  test.each([
    [429, 'retry'],
    [500, 'retry'],
    [502, 'retry'],
    [503, 'retry'],
    [504, 'retry'],
    [400, 'rejected'],
    [413, 'too_large'],
    [401, 'misconfigured'],
    [404, 'misconfigured'],
    [405, 'misconfigured'],
    [415, 'misconfigured'],
  ])('%d, the outcome is %s', async (status, kind) => {
    const body = Buffer.from(statusBody('protobuf', status, 'the reason'));
    const outcome = await outcomeOf({
      status,
      headers: { 'retry-after': '2', 'content-type': contentTypes.protobuf },
      body,
    });
    expect(outcome).toMatchObject({ kind, reason: expect.stringMatching(new RegExp(`^HTTP ${status} .*the reason$`)) });
    if (kind === 'retry') expect(outcome).toMatchObject({ afterMs: 2000 });
  });

  test('with our key in the text, the key is not repeated', async () => {
    const outcome = await outcomeOf({ status: 403, body: 'otlp-key-of-the-test may not write' });
    expect(outcome).toEqual({ kind: 'misconfigured', reason: 'HTTP 403 REDACTED may not write' });
    expect(await outcomeOf(partial('protobuf', 0, `hello, ${OTLP_KEY}`))).toEqual({ kind: 'accepted' });
    expect(warnings).toEqual([{ warning: 'hello, REDACTED' }]);
  });
});

describe('the settings', () => {
  test("accept headers in the form of the SDKs' variable", () => {
    const { headers } = otlp.config.parse({
      endpoint: 'https://o.example',
      headers: 'Authorization=Bearer%20abc,x-scope=1',
    });
    expect(headers).toEqual({ authorization: 'Bearer abc', 'x-scope': '1' });
  });

  test.each([
    [{ endpoint: 'o.example:4318' }, 'must be a URL that begins with http:// or https://'],
    [{ endpoint: 'https://u:p@o.example' }, 'must have no user and password in it'],
    [{ headers: { 'not a name': 'x' } }, 'must be the name of an HTTP header'],
    [{ headers: { name: 'a\nb' } }, 'must be the value of an HTTP header'],
    [{ headers: 'authorization' }, 'headers'],
  ])('refuse %o', (wrong, message) => {
    const { error } = otlp.config.safeParse({ endpoint: 'https://o.example', ...wrong });
    expect(JSON.stringify(error?.issues)).toContain(message);
  });
});
