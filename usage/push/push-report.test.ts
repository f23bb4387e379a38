import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import { gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openDuckdbStore } from '../store/duckdb/store.ts';
import type { UsageStore } from '../store/usage-store.ts';
import { createHub, type Hub } from './hub.ts';
import { partsOf, type HubReport } from './parts.ts';
import { pushReport } from './push-report.ts';

const ID = 'b30f8c1d-7c49-4c3e-8a1c-0d6a4c7d9a10';
const TOKEN = 'eyJhbGciOi.SECRET.token';

interface Received {
  readonly method: string | undefined;
  readonly path: string | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: { 'report-header': { exceptions: { code: number }[] }; 'report-datasets': object[] };
}

/** A hub that keeps what it gets. It gives the queued answers, then reports. */
interface StandInHub extends AsyncDisposable {
  readonly hub: Hub;
  readonly received: Received[];
  readonly answers: { status: number; body: string; headers?: Record<string, string> }[];
}

async function standIn(): Promise<StandInHub> {
  const received: Received[] = [];
  const answers: StandInHub['answers'] = [];
  const server: Server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const sent = Buffer.concat(chunks);
      const text = request.headers['content-encoding'] === 'gzip' ? gunzipSync(sent) : sent;
      const { method, url: path, headers } = request;
      received.push({ method, path, headers, body: JSON.parse(text.toString('utf8')) as Received['body'] });
      const {
        status,
        body,
        headers: more,
      } = answers.shift() ?? {
        status: method === 'PUT' ? 200 : 201,
        body: JSON.stringify({ report: { id: ID } }),
      };
      response.writeHead(status, { 'content-type': 'application/json', ...more }).end(body);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  let now = 0;
  const clock = { now: () => now, wait: async (ms: number) => void (now += ms) };
  return {
    hub: createHub({
      url: `http://127.0.0.1:${port}`,
      token: TOKEN,
      clock,
      random: () => 1,
      signal: new AbortController().signal,
    }),
    received,
    answers,
    [Symbol.asyncDispose]: async () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

const report = (datasets: number): HubReport => ({
  'report-header': { exceptions: [{ code: 3040, message: 'Partial Data Returned' }] },
  'report-datasets': Array.from({ length: datasets }, (_, index) => ({ 'dataset-title': `d${index}` })),
});

let store: UsageStore;
beforeEach(async () => {
  store = await openDuckdbStore();
});
afterEach(() => store.close());

describe('a report for the hub', () => {
  test('is posted once, not again while it is the same, and replaced after a change', async () => {
    await using there = await standIn();
    const push = (datasets: number) => pushReport(store, there.hub, '2026-10', partsOf(report(datasets)));
    expect(await push(2)).toEqual({ what: 'created', id: ID, parts: 1 });
    expect(await push(2)).toEqual({ what: 'unchanged', id: ID, parts: 0 });
    expect(await push(3)).toEqual({ what: 'replaced', id: ID, parts: 1 });
    expect(there.received.map(({ method, path }) => `${method} ${path}`)).toEqual([
      'POST /reports',
      `PUT /reports/${ID}`,
    ]);
    expect(there.received[0]?.headers).toMatchObject({
      authorization: `Bearer ${TOKEN}`,
      'content-type': 'application/json',
    });
    expect(there.received[1]?.body['report-datasets']).toHaveLength(3);
  });

  test('with more datasets than the hub accepts at once is sent in parts, gzipped, each with exception 69', async () => {
    await using there = await standIn();
    const parts = partsOf(report(25), { datasets: 10, plainBytes: 1e6 });
    expect(await pushReport(store, there.hub, '2026-10', parts)).toEqual({ what: 'created', id: ID, parts: 3 });
    expect(there.received.map(({ body }) => body['report-datasets'].length)).toEqual([10, 10, 5]);
    for (const { headers, body } of there.received) {
      expect(headers).toMatchObject({ 'content-type': 'application/gzip', 'content-encoding': 'gzip' });
      expect(body['report-header'].exceptions.map(({ code }) => code)).toEqual([3040, 69]);
    }
  });

  test('that broke off between two parts is sent again as a whole, replacing what is there', async () => {
    await using there = await standIn();
    const parts = partsOf(report(25), { datasets: 10, plainBytes: 1e6 });
    there.answers.push(
      { status: 201, body: JSON.stringify({ report: { id: ID } }) },
      { status: 422, body: '{"errors":[{"title":"is odd"}]}' },
    );
    await expect(pushReport(store, there.hub, '2026-10', parts)).rejects.toThrow('is odd');
    there.received.length = 0;
    expect(await pushReport(store, there.hub, '2026-10', parts)).toMatchObject({ what: 'replaced', parts: 3 });
    expect(there.received.map(({ method }) => method)).toEqual(['PUT', 'POST', 'POST']);
  });

  test('is sent again if the hub is busy or fails, and only then', async () => {
    await using there = await standIn();
    there.answers.push({ status: 503, body: '' }, { status: 429, body: '', headers: { 'retry-after': '7' } });
    expect(await pushReport(store, there.hub, '2026-10', partsOf(report(1)))).toMatchObject({ what: 'created' });
    expect(there.received).toHaveLength(3);
  });

  test.each([
    [
      422,
      '{"errors":[{"source":"report_datasets","title":"Your resource does not validate: publisher-id"}]}',
      'it answered 422: report_datasets: Your resource does not validate: publisher-id',
    ],
    [422, '{"created_by":["is invalid"]}', 'it answered 422: created_by: is invalid'],
    [
      401,
      `{"errors":[{"title":"Bad credentials ${TOKEN}"}]}`,
      'Bad credentials REDACTED. REPORT_HUB_TOKEN is not known',
    ],
    [403, '', 'it answered 403. The token may not change this report'],
    [400, '<html>', 'it answered 400: <html>'],
    [201, '{}', 'told no id of it'],
  ])('that is answered %i %s gives that error', async (status, body, message) => {
    await using there = await standIn();
    there.answers.push({ status, body });
    await expect(pushReport(store, there.hub, '2026-10', partsOf(report(1)))).rejects.toThrow(message);
    expect(there.received).toHaveLength(1);
    expect(await store.mark('hub 2026-10')).toBeUndefined();
  });

  test('may replace one that the store does not know', async () => {
    await using there = await standIn();
    expect(await pushReport(store, there.hub, '2026-10', partsOf(report(1)), ID)).toMatchObject({ what: 'replaced' });
    expect(await pushReport(store, there.hub, '2026-10', partsOf(report(1)))).toMatchObject({ what: 'unchanged' });
  });
});
