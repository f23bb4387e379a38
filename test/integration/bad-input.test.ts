import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runCli, startCollector, type CollectorProcess } from '../support/collector-process.ts';
import { bindEventSink, consumeEventSink, type EventSink } from '../support/consumer.ts';
import { bytes, exportRequest, fixed64, int, keyValue, text } from '../support/otlp-protobuf.ts';
import { openVhost, type VirtualHost } from '../support/virtual-host.ts';
import { waitFor } from '../support/wait-for.ts';

// Issue 3, "Bad input gets a clear answer and nothing else happens": what a producer sees, and what remains.

const FILE = '5f1e00000000000000000001';
const JSON_TYPE = 'application/json';
const PROTOBUF_TYPE = 'application/x-protobuf';
const MEBIBYTE = 1024 * 1024;

let broker: VirtualHost;
let collector: CollectorProcess;
let sink: EventSink;

beforeAll(async () => {
  broker = await openVhost();
  await bindEventSink(broker.url);
  collector = await startCollector({ amqpUrl: broker.url });
  sink = await consumeEventSink(broker.url);
});

afterAll(async () => {
  await sink[Symbol.asyncDispose]();
  await collector.stop();
  await broker[Symbol.asyncDispose]();
});

interface Answer {
  readonly status: number;
  readonly type: string | null;
  readonly retryAfter: string | null;
  /** Protobuf is read as text: it contains the message of a google.rpc.Status verbatim. */
  readonly body: string;
}

async function post(
  path: string,
  body: NonNullable<RequestInit['body']>,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const response = await fetch(`${collector.url}${path}`, {
    method: 'POST',
    headers: { 'content-type': JSON_TYPE, ...headers },
    body,
  });
  return {
    status: response.status,
    type: response.headers.get('content-type'),
    retryAfter: response.headers.get('retry-after'),
    body: await response.text(),
  };
}

const postJson = (path: string, body: unknown, headers?: Record<string, string>): Promise<Answer> =>
  post(path, JSON.stringify(body), headers);

/** Ids in the journal, latest first. */
async function journaled(limit: number): Promise<unknown[]> {
  const response = await fetch(`${collector.url}/api/v1/events?limit=${limit}`);
  const { events } = (await response.json()) as { events: { event_id: string }[] };
  return events.map((one) => one.event_id);
}

async function rejectedCount(): Promise<number> {
  const response = await fetch(`${collector.url}/api/v1/rejected?limit=1000`);
  return ((await response.json()) as { rejected: unknown[] }).rejected.length;
}

let goodOnes = 0;

/**
 * Does it, then posts a good event. The journal and the queue must have gained what was expected and then the good event,
 * and the process must be the same and report no failure.
 */
async function leavesBehind(
  expected: { readonly events?: number; readonly rejected?: number },
  act: () => Promise<void>,
): Promise<void> {
  const { events = 0, rejected = 0 } = expected;
  const [[lastBefore], rejectedBefore, receivedBefore] = [
    await journaled(1),
    await rejectedCount(),
    sink.received.length,
  ];
  await act();
  goodOnes += 1;
  const good = `good-${goodOnes}`;
  expect((await postJson('/api/v1/events', { event: 'file.deleted', file_id: FILE, event_id: good })).status).toBe(202);
  await waitFor(() => sink.received.at(-1)?.messageId === good, { what: 'the good event' });
  const latest = await journaled(events + 2);
  expect([latest[0], latest[events + 1]]).toEqual([good, lastBefore]);
  expect(sink.received.length - receivedBefore).toBe(events + 1);
  expect((await rejectedCount()) - rejectedBefore).toBe(rejected);
  expect(collector.output()).not.toContain('"level":50');
}

/** The event that the act causes, as it arrives. */
async function arrival(act: () => Promise<void>): Promise<Record<string, unknown>> {
  const before = sink.received.length;
  await act();
  return (await waitFor(() => sink.received[before], { what: 'the event' })).body;
}

const attribute = (key: string, value: string) => ({ key, value: { stringValue: value } });
const download = [
  attribute('http.request.method', 'GET'),
  attribute('url.path', `/api/files/${FILE}/blob`),
  { key: 'http.response.status_code', value: { intValue: '200' } },
];
const now = (): string => `${Date.now()}000000`;

const spans = (fields: object, attributes: readonly object[] = download): object => ({
  resourceSpans: [
    {
      scopeSpans: [
        { spans: [{ kind: 2, name: 'GET', startTimeUnixNano: now(), endTimeUnixNano: now(), attributes, ...fields }] },
      ],
    },
  ],
});
const logs = (...logRecords: object[]): object => ({ resourceLogs: [{ scopeLogs: [{ logRecords }] }] });
const uploaded = (...attributes: object[]): object => ({
  eventName: 'clowder.file.uploaded',
  timeUnixNano: now(),
  attributes,
});

/** The same download as a protobuf span. */
const protobufSpan = (...more: readonly number[][]): number[] => [
  ...bytes(1, Buffer.from('4bf92f3577b34da6a3ce929d0e0e4736', 'hex')),
  ...bytes(2, Buffer.from('00f067aa0ba902b7', 'hex')),
  ...int(6, 2),
  ...fixed64(7, BigInt(now())),
  ...keyValue(9, 'http.request.method', 'GET'),
  ...keyValue(9, 'url.path', `/api/files/${FILE}/blob`),
  ...keyValue(9, 'http.response.status_code', '200'),
  ...more.flat(),
];

describe('an unreadable body', () => {
  test('gets 400 if its protobuf is truncated, and nothing of it is accepted', () =>
    leavesBehind({}, async () => {
      const whole = exportRequest(protobufSpan(), protobufSpan());
      for (const length of [1, 40, whole.length - 30, whole.length - 1]) {
        const answer = await post('/v1/traces', whole.slice(0, length), { 'content-type': PROTOBUF_TYPE });
        expect(answer).toMatchObject({ status: 400, type: PROTOBUF_TYPE });
        expect(answer.body).toMatch(/ends early|cut off|truncated/i);
      }
    }));

  test.each([
    [
      '/v1/traces',
      'text/plain',
      /^\{"code":3,"message":"Content-Type was text\/plain: send application\/x-protobuf or/,
    ],
    ['/v1/logs', '', /"message":"Content-Type was .*send application\/x-protobuf or application\/json/],
    ['/api/v1/events', 'application/x-yaml', /unsupported_media_type.*Content-Type was application\/x-yaml: send/],
  ])('sent to %s as %s gets 415, which names the right content types', (path, type, said) =>
    leavesBehind({}, async () => {
      const answer = await post(path, JSON.stringify(logs(uploaded(attribute('clowder.file.id', FILE)))), {
        'content-type': type,
      });
      expect(answer.status).toBe(415);
      expect(answer.body).toMatch(said);
    }),
  );

  test.each(['/v1/traces', '/api/v1/events'])('with broken gzip gets 400 on %s', (path) =>
    leavesBehind({}, async () => {
      const cutOff = gzipSync(JSON.stringify({ event: 'file.uploaded', file_id: FILE })).subarray(0, -9);
      for (const body of ['{}', cutOff]) {
        const answer = await post(path, body, { 'content-encoding': 'gzip' });
        expect(answer.status).toBe(400);
        expect(answer.body).toContain('not valid gzip');
      }
    }),
  );

  test.each(['/v1/traces', '/v1/logs', '/api/v1/events'])(
    'that is a zip bomb gets 413 on %s, by its inflated size',
    (path) =>
      leavesBehind({}, async () => {
        const bomb = gzipSync(Buffer.alloc(200 * MEBIBYTE, ' '));
        expect(bomb.length).toBeLessThan(MEBIBYTE);
        const answer = await post(path, bomb, { 'content-encoding': 'gzip' });
        expect(answer.status).toBe(413);
        expect(answer.body).toMatch(/larger than \d+ bytes \(after decompression\): send smaller batches/);
        const metrics = await (await fetch(`${collector.url}/metrics`)).text();
        const memory = Number(/^process_resident_memory_bytes (\d+)/m.exec(metrics)?.[1]);
        expect(memory).toBeLessThan(400 * MEBIBYTE);
      }),
  );

  test.each(['/v1/traces', '/api/v1/events'])('of 65 MiB gets 413 on %s, with and without Content-Length', (path) =>
    leavesBehind({}, async () => {
      const body = new Uint8Array(65 * MEBIBYTE).fill(0x20);
      const answer = await post(path, body);
      expect(answer.status).toBe(413);
      expect(answer.body).toContain('send smaller batches');
      expect(await postChunked(path, body)).toBe(413);
    }),
  );

  test('gets 400 if its JSON has invalid UTF-8', () =>
    leavesBehind({}, async () => {
      const body = Buffer.from(JSON.stringify({ event: 'file.uploaded', file_id: 'f\u00e9' }), 'latin1');
      for (const path of ['/v1/logs', '/api/v1/events']) {
        const answer = await post(path, body);
        expect(answer.status).toBe(400);
        expect(answer.body).toContain('not valid UTF-8');
      }
    }));

  test('with invalid UTF-8 in protobuf is accepted: the character is replaced, and the event stays valid JSON', () =>
    leavesBehind({ events: 1 }, async () => {
      const span = protobufSpan(keyValue(9, 'user.name', Uint8Array.of(0x4a, 0xff, 0x6f)));
      const event = await arrival(async () => {
        const answer = await post('/v1/traces', exportRequest(span), { 'content-type': PROTOBUF_TYPE });
        expect(answer).toMatchObject({ status: 200, body: '' });
      });
      expect(event['user_name']).toBe('J\ufffdo');
    }));
});

describe('telemetry that breaks the rules of OTLP', () => {
  const span = 'resourceSpans[0].scopeSpans[0].spans[0]';

  test.each([
    [
      'JSON with enum names',
      { kind: 'SPAN_KIND_SERVER' },
      `${span}.kind must be an integer (OTLP/JSON has no enum names)`,
    ],
    [
      'a trace id of the wrong length',
      { traceId: '4bf92f' },
      `${span}.traceId must be 32 hex digits, was \\"4bf92f\\"`,
    ],
    ['a span id of the wrong length', { spanId: '00f067aa0ba902b7ff' }, `${span}.spanId must be 16 hex digits`],
    ['a span id in base64', { spanId: 'AAAAAAAAAAE=AAAA' }, `${span}.spanId must be 16 hex digits`],
    [
      'a time that is NaN',
      { startTimeUnixNano: 'NaN' },
      `${span}.startTimeUnixNano must be a non-negative integer, was \\"NaN\\"`,
    ],
    [
      'a time in 1900',
      { startTimeUnixNano: '-2208988800000000000' },
      `${span}.startTimeUnixNano must be a non-negative integer`,
    ],
  ])('%s: the record is rejected with the path of the field', (_, fields, said) =>
    leavesBehind({ rejected: 1 }, async () => {
      const answer = await postJson('/v1/traces', spans(fields));
      expect(answer).toMatchObject({ status: 200, type: JSON_TYPE });
      expect(JSON.parse(answer.body)).toMatchObject({ partialSuccess: { rejectedSpans: '1' } });
      expect(answer.body).toContain(said);
    }),
  );

  test('a bare NaN is not JSON: 400', () =>
    leavesBehind({}, async () => {
      const body = JSON.stringify(logs({ eventName: 'clowder.file.uploaded', timeUnixNano: 0 })).replace(
        ':0}',
        ':NaN}',
      );
      expect(body).toContain('NaN');
      const answer = await post('/v1/logs', body);
      expect(answer.status).toBe(400);
      expect(answer.body).toContain('not valid JSON');
    }));

  test('ids of the wrong length in protobuf: the span is accepted as one without a trace', () =>
    leavesBehind({ events: 1 }, async () => {
      const body = exportRequest([
        ...int(6, 2),
        ...bytes(1, [1, 2, 3]),
        ...bytes(2, [1]),
        ...fixed64(7, BigInt(now())),
        ...keyValue(9, 'http.request.method', 'GET'),
        ...keyValue(9, 'url.path', `/api/files/${FILE}/blob`),
        ...keyValue(9, 'http.response.status_code', '200'),
      ]);
      expect(await post('/v1/traces', body, { 'content-type': PROTOBUF_TYPE })).toMatchObject({
        status: 200,
        body: '',
      });
      const event = await waitFor(() => sink.received.at(-1), { what: 'the event' });
      expect(event.body).not.toHaveProperty('trace_id');
    }));

  test.each([
    ['1900', -2208988800000000000n],
    ['2200', 7258118400000000000n],
  ])('an explicit event of the year %s: rejected by partial_success, and kept with the reason', (_, time) =>
    leavesBehind({ rejected: 1 }, async () => {
      const record = [
        ...fixed64(1, time),
        ...text(12, 'clowder.file.uploaded'),
        ...keyValue(6, 'clowder.file.id', FILE),
      ];
      const answer = await post('/v1/logs', exportRequest(record), { 'content-type': PROTOBUF_TYPE });
      expect(answer).toMatchObject({ status: 200, type: PROTOBUF_TYPE });
      expect(answer.body).toMatch(/created is out of range, was \d+, may be Unix milliseconds from 946684800000/);
    }),
  );

  test('10,000 attributes: the event is accepted, wherever its own attributes are, and has no more fields than usual', () =>
    leavesBehind({ events: 2 }, async () => {
      const many = Array.from({ length: 10_000 }, (_, index) => attribute(`a${index}`, 'v'));
      for (const attributes of [
        [...download, ...many],
        [...many, ...download],
      ]) {
        const event = await arrival(async () => {
          expect(await postJson('/v1/traces', spans({}, attributes))).toMatchObject({ status: 200, body: '{}' });
        });
        expect(event['event']).toBe('view.download');
        expect(Object.keys(event).length).toBeLessThan(20);
      }
    }));

  test('attributes of 1 MiB: the event is accepted and stays small', () =>
    leavesBehind({ events: 1 }, async () => {
      const large = 'x'.repeat(MEBIBYTE);
      const more = [
        ['large', large],
        ['url.query', `q=${large}`],
        ['user_agent.original', large],
      ] as const;
      const event = await arrival(async () => {
        const attributes = [...download, ...more.map(([key, value]) => attribute(key, value))];
        expect(await postJson('/v1/traces', spans({}, attributes))).toMatchObject({ status: 200, body: '{}' });
      });
      expect(event['event']).toBe('view.download');
      expect(JSON.stringify(event).length).toBeLessThan(20_000);
    }));

  test('an explicit event with a file id of 1 MiB: rejected with a short message', () =>
    leavesBehind({ rejected: 1 }, async () => {
      const record = uploaded(attribute('clowder.file.id', 'x'.repeat(MEBIBYTE)));
      const answer = await postJson('/v1/logs', logs(record));
      expect(answer.status).toBe(200);
      expect(JSON.parse(answer.body)).toMatchObject({ partialSuccess: { rejectedLogRecords: '1' } });
      expect(answer.body).toMatch(/clowder\.file\.id .*was .*more than 100000 characters/);
      expect(answer.body.length).toBeLessThan(2000);
    }));
});

describe('a wrong event', () => {
  interface Problem {
    readonly code: string;
    readonly detail: string;
    readonly rejected: readonly { index: number; issues: readonly Record<string, string>[] }[];
  }
  const problemOf = (answer: Answer): Problem => JSON.parse(answer.body) as Problem;

  test.each([
    [
      'an unknown type',
      { event: 'file.exploded', file_id: FILE },
      { field: 'event', received: '"file.exploded"', expected: expect.stringContaining('one of file.uploaded') },
    ],
    [
      'no type',
      { file_id: FILE },
      { field: 'event', message: 'is missing', expected: expect.stringContaining('one of') },
    ],
    [
      'a missing field',
      { event: 'extraction.done' },
      { field: expect.stringMatching(/file_id|extractor_name/), message: expect.stringContaining('is missing') },
    ],
    [
      'a field of the wrong type',
      { event: 'file.uploaded', file_id: FILE, bytes: 'many' },
      { field: 'bytes', received: '"many"', expected: expect.stringMatching(/number|int/) },
    ],
    [
      'a field that the event type does not have',
      { event: 'file.uploaded', file_id: FILE, fiel_name: 'a' },
      { field: 'fiel_name', expected: expect.stringContaining('file_name') },
    ],
    [
      'a time in 1900',
      { event: 'file.uploaded', file_id: FILE, created: -2208988800000 },
      { field: 'created', message: 'is out of range', received: '-2208988800000' },
    ],
    [
      'a time in 2200',
      { event: 'file.uploaded', file_id: FILE, created: 7258118400000 },
      { field: 'created', message: 'is out of range', received: '7258118400000' },
    ],
    [
      'a time that is text',
      { event: 'file.uploaded', file_id: FILE, created: 'NaN' },
      { field: 'created', message: 'must be an integer', received: '"NaN"' },
    ],
    [
      'an attribute of 1 MiB',
      { event: 'file.uploaded', file_id: 'x'.repeat(MEBIBYTE) },
      { field: 'file_id', received: expect.stringMatching(/^.{1,150}$/) },
    ],
  ])('with %s gets 422, which names the field, its value and the allowed values', (_, event, issue) =>
    leavesBehind({}, async () => {
      const answer = await postJson('/api/v1/events', event);
      expect(answer).toMatchObject({ status: 422, type: 'application/problem+json' });
      expect(problemOf(answer)).toMatchObject({ code: 'invalid_event' });
      expect(problemOf(answer).rejected[0]?.issues).toContainEqual(expect.objectContaining(issue));
      expect(answer.body.length).toBeLessThan(5000);
    }),
  );

  test('in a batch is named by its index, and the good events are accepted', () =>
    leavesBehind({ events: 2 }, async () => {
      const answer = await postJson('/api/v1/events', [
        { event: 'file.uploaded', file_id: FILE, event_id: 'batch-1' },
        { event: 'file.exploded' },
        'no event',
        { event: 'file.deleted', file_id: FILE, event_id: 'batch-2' },
      ]);
      expect(answer.status).toBe(202);
      const body = JSON.parse(answer.body) as Problem & { ids: string[] };
      expect(body.ids).toEqual(['batch-1', 'batch-2']);
      expect(body.rejected.map((one) => one.index)).toEqual([1, 2]);
    }));

  test('in a batch of log records is counted by partial_success, with the reason', () =>
    leavesBehind({ events: 1, rejected: 2 }, async () => {
      const answer = await postJson(
        '/v1/logs',
        logs(uploaded(attribute('clowder.file.id', FILE)), uploaded(), {
          ...uploaded(),
          eventName: 'clowder.file.exploded',
        }),
      );
      expect(answer.status).toBe(200);
      const { partialSuccess } = JSON.parse(answer.body) as { partialSuccess: Record<string, string> };
      expect(partialSuccess['rejectedLogRecords']).toBe('2');
      expect(partialSuccess['errorMessage']).toMatch(/clowder\.file\.id is missing.*file\.exploded/s);
    }));
});

describe('a request with a wrong key', () => {
  let locked: CollectorProcess;
  let open: CollectorProcess;
  const made: Record<string, { id: string; key: string }> = {};

  beforeAll(async () => {
    open = collector;
    locked = await startCollector();
    for (const [name, scope, rate] of [
      ['good', 'ingest', '1000'],
      ['reader', 'read', '1000'],
      ['revoked', 'ingest', '1000'],
      ['slow', 'ingest', '1'],
    ] as const) {
      const line = await runCli(['keys', 'add', '--name', name, '--scope', scope, '--rate', rate], {
        DATA_DIR: locked.dataDir,
      });
      made[name] = JSON.parse(line) as { id: string; key: string };
    }
    await runCli(['keys', 'revoke', made['revoked']?.id ?? ''], { DATA_DIR: locked.dataDir });
    collector = locked;
    await waitFor(async () => (await postJson('/api/v1/events', {})).status === 401, { what: 'the keys to count' });
  });

  afterAll(async () => {
    collector = open;
    await locked.stop();
  });

  const keyOf = (name: string): Record<string, string> => ({ authorization: `Bearer ${made[name]?.key}` });
  const journaledIds = async (): Promise<string[]> => {
    const response = await fetch(`${locked.url}/api/v1/events`, { headers: keyOf('reader') });
    return ((await response.json()) as { events: { event_id: string }[] }).events.map((one) => one.event_id);
  };
  const event = (id: string): object => ({ event: 'file.deleted', file_id: FILE, event_id: id });
  const record = (id: string): object =>
    logs(uploaded(attribute('clowder.file.id', FILE), attribute('clowder.event.id', id)));

  test.each([
    ['no key', () => ({}), 401, /No API key: send an API key as .*keys add/],
    ['an unknown key', () => ({ authorization: 'Bearer clo_0123456789ab_x' }), 401, /This API key is unknown/],
    ['a revoked key', () => keyOf('revoked'), 401, /This API key was revoked: ask for a new one/],
    ['a key of another scope', () => keyOf('reader'), 403, /This API key has the scope read; ingest is needed here/],
  ])(
    'with %s is refused on the API and for OTLP, each in its own format, and nothing is accepted',
    async (_, headers, status, said) => {
      const before = await journaledIds();
      const api = await postJson('/api/v1/events', event('never'), headers());
      expect(api).toMatchObject({ status, type: 'application/problem+json' });
      expect(api.body).toMatch(said);
      const otlp = await postJson('/v1/logs', record('never'), headers());
      expect(otlp).toMatchObject({ status, type: JSON_TYPE });
      expect(JSON.parse(otlp.body)).toEqual({
        code: status === 401 ? 16 : 7,
        message: expect.stringMatching(said) as string,
      });
      expect(await journaledIds()).toEqual(before);
      const good = `good after ${status} ${before.length}`;
      expect((await postJson('/api/v1/events', event(good), keyOf('good'))).status).toBe(202);
      expect(await journaledIds()).toEqual([good, ...before]);
    },
  );

  test('over the rate limit gets 429 with Retry-After on the API and for OTLP, and nothing is accepted', async () => {
    const before = await journaledIds();
    const answers = await Promise.all(
      Array.from({ length: 6 }, (_, index) =>
        index % 2 === 0
          ? postJson('/api/v1/events', event(`slow-${index}`), keyOf('slow'))
          : postJson('/v1/logs', record(`slow-${index}`), keyOf('slow')),
      ),
    );
    const taken = answers.flatMap(({ status }, index) => (status < 300 ? [`slow-${index}`] : []));
    const refused = answers.filter(({ status }) => status >= 300);
    expect(taken.length).toBeLessThanOrEqual(2);
    expect(refused.length).toBeGreaterThanOrEqual(4);
    for (const answer of refused) {
      expect(answer).toMatchObject({ status: 429, retryAfter: '1' });
      expect(answer.body).toMatch(/More than 1 requests a second with this API key: slow down/);
    }
    expect((await journaledIds()).toSorted()).toEqual([...taken, ...before].toSorted());
    await waitFor(async () => (await postJson('/api/v1/events', event('slow-again'), keyOf('slow'))).status === 202, {
      everyMs: 200,
      what: 'the next second',
    });
  });
});

/** Posts without Content-Length. @returns the status, which may come before all was sent */
async function postChunked(path: string, body: Uint8Array<ArrayBuffer>): Promise<number> {
  const response = await fetch(`${collector.url}${path}`, {
    method: 'POST',
    headers: { 'content-type': JSON_TYPE },
    body: new Blob([body]).stream(),
    duplex: 'half',
  });
  await response.arrayBuffer();
  return response.status;
}
