import { once } from 'node:events';
import { createServer } from 'node:http';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeKey, runCli, startCollector, type CollectorProcess } from '../../support/collector-process.ts';
import { tempDir } from '../../support/processes.ts';
import { download, page } from '../../support/usage/cases.ts';
import { waitFor } from '../../support/wait-for.ts';

const WORLD = 'customer_id=0000000000000000';
const OCTOBER = `${WORLD}&begin_date=2026-10&end_date=2026-10`;
const ID = 'b30f8c1d-7c49-4c3e-8a1c-0d6a4c7d9a10';

let dir: Awaited<ReturnType<typeof tempDir>>;
let collector: CollectorProcess;
let keys: Record<'counter' | 'ingest' | 'read', string>;

beforeAll(async () => {
  dir = await tempDir('counter-api');
  keys = {
    counter: await makeKey(dir.path, 'counter'),
    ingest: await makeKey(dir.path, 'ingest'),
    read: await makeKey(dir.path, 'read'),
  };
  collector = await startCollector({ amqpUrl: 'amqp://127.0.0.1:1', dataDir: dir.path, env: { USAGE: 'on' } });
  const ana = { user_id: 'ana' };
  const stated = { ...ana, source: 'api' };
  const events = [page('10:00:00', { ...stated, resource_name: 'Soil of Illinois' }), download('10:05:00', stated)];
  const posted = await fetch(`${collector.url}/api/v1/events`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${keys.ingest}` },
    body: JSON.stringify(events),
  });
  if (posted.status !== 202) throw new Error(await posted.text());
  await waitFor(async () => (await ask(`/reports?${WORLD}&api_key=${keys.counter}`)).status === 200, {
    what: 'the month to be counted',
  });
});
afterAll(async () => {
  await collector.stop();
  await dir.remove();
});

async function ask(path: string, headers: Record<string, string> = {}): Promise<{ status: number; body: unknown }> {
  const answer = await fetch(`${collector.url}/r51${path}`, { headers });
  return { status: answer.status, body: await answer.json() };
}

test('the COUNTER API gives a report to clients with a counter key, however they send it', async () => {
  expect(await ask('/status')).toMatchObject({ status: 200, body: [{ Service_Active: true }] });
  const reports = await Promise.all([
    ask(`/reports/ir?${OCTOBER}&api_key=${keys.counter}`),
    ask(`/reports/ir?${OCTOBER}&requestor_id=${keys.counter}`),
    ask(`/reports/ir?${OCTOBER}`, { authorization: `Bearer ${keys.counter}` }),
  ]);
  for (const { status, body } of reports) {
    expect(status).toBe(200);
    expect(body).toMatchObject({
      Report_Header: { Report_ID: 'IR', Release: '5.1', Institution_Name: 'The World' },
      Report_Items: [{ Items: [{ Item: 'd1' }] }],
    });
  }
});

test("the COUNTER API refuses in COUNTER's format", async () => {
  expect(await ask(`/reports/ir?${OCTOBER}`)).toMatchObject({ status: 401, body: { Code: 2020 } });
  expect(await ask(`/reports/ir?${OCTOBER}&api_key=wrong`)).toMatchObject({ status: 401, body: { Code: 2020 } });
  expect(await ask(`/members?${WORLD}&api_key=${keys.ingest}`)).toMatchObject({ status: 403, body: { Code: 2010 } });
  expect(await ask(`/reports/ir?api_key=${keys.counter}`)).toMatchObject({ status: 400, body: { Code: 1030 } });
  expect(await ask(`/reports/tr?${OCTOBER}&api_key=${keys.counter}`)).toMatchObject({ status: 404 });
  // Keys in queries appear in no log.
  expect(collector.output()).not.toContain(keys.counter);
  // A key for the COUNTER API gives no other access.
  const stats = await fetch(`${collector.url}/api/v1/stats?metric=views&from=2026-10&to=2026-10`, {
    headers: { authorization: `Bearer ${keys.counter}` },
  });
  expect(stats.status).toBe(403);
});

test('a key with read access sees names with the figures, and a share link sees only figures', async () => {
  const question = 'metric=views&by=dataset&from=2026-10&to=2026-10';
  const headers = { authorization: `Bearer ${keys.read}` };
  const read = await fetch(`${collector.url}/api/v1/stats?${question}`, { headers });
  expect(await read.json()).toMatchObject({ rows: [{ dataset: 'd1', views: 1 }], names: { d1: 'Soil of Illinois' } });
  const made = await runCli('shares add --name funder --metrics views --from 2026-10 --to 2026-10'.split(' '), {
    DATA_DIR: dir.path,
  });
  const { token } = JSON.parse(made) as { token: string };
  for (const format of ['json', 'csv', 'ndjson']) {
    const shared = await fetch(`${collector.url}/api/v1/shared/stats?${question}&format=${format}&token=${token}`);
    const text = await shared.text();
    expect([shared.status, text]).toEqual([200, expect.stringContaining('d1')]);
    expect(text).not.toMatch(/Soil|name/);
  }
});

test('report push sends the month to the hub while the collector runs, and again only after a change', async () => {
  const received: string[] = [];
  const hub = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      received.push(`${request.method} ${request.url} ${request.headers.authorization}`);
      expect(JSON.parse(body)).toMatchObject({ 'report-header': { 'report-id': 'dsr', release: 'rd1' } });
      response.writeHead(201).end(JSON.stringify({ report: { id: ID } }));
    });
  }).listen(0, '127.0.0.1');
  await once(hub, 'listening');
  const address = hub.address();
  const env = {
    DATA_DIR: dir.path,
    REPORT_HUB_URL: `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`,
    REPORT_HUB_TOKEN: 'token-1',
  };
  try {
    const push = async (): Promise<unknown> =>
      JSON.parse(await runCli(['report', 'push', '--from', '2026-10'], env)) as unknown;
    expect(await push()).toEqual({ month: '2026-10', what: 'created', id: ID, parts: 1 });
    expect(await push()).toEqual({ month: '2026-10', what: 'unchanged', id: ID, parts: 0 });
    expect(received).toEqual(['POST /reports Bearer token-1']);
  } finally {
    hub.close();
    hub.closeAllConnections();
  }
});
