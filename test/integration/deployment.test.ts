import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { windowsOf, type Window } from '../support/connection-windows.ts';
import { startDeployment, WINDOW_MS, type Deployment } from '../support/deployment.ts';
import { newTrace } from '../support/run-scenarios.ts';
import { curl } from '../support/curl.ts';
import type { ReceivedEvent } from '../support/consumer.ts';
import type { LogLine } from '../support/nginx.ts';
import { asExpected, asMultiset, eventsOfRequests } from '../support/published.ts';
import { makeTraffic, type Done } from '../support/traffic.ts';
import { get } from '../stand-in/scenarios/scenario.ts';
import { seedId } from '../stand-in/seeds.ts';

const REQUESTS = 2000;
const LAST = 'the last one';

let deployment: Deployment;
let done: Done;
let received: readonly ReceivedEvent[];
let lines: readonly LogLine[];
let windows: readonly Window[];

/** Makes the traffic and waits until everything that comes of it has arrived. */
async function everythingAfter(traffic: () => Promise<Done>): Promise<void> {
  done = await traffic();
  lines = await deployment.nginx.lines();
  await deployment.settled();
  windows = await deployment.windows(lines.length);
  await deployment.published(LAST);
  received = eventsOfRequests(deployment.sink(), LAST);
}

describe('NGINX, proxy, OTel Collector and collector as shipped', () => {
  beforeAll(async () => {
    deployment = await startDeployment({ proxy: true, waitForCaptureS: 20, latenessS: 5 });
    await everythingAfter(() => makeTraffic(deployment.nginx.port, 6000, REQUESTS));
  }, 600_000);

  afterAll(() => deployment[Symbol.asyncDispose]());

  test('bring to RabbitMQ exactly what was done', () => {
    expect(asMultiset(received.map((one) => asExpected(one)))).toEqual(asMultiset(done.byProxy));
    expect(received.length).toBeGreaterThan(REQUESTS / 2);
  });

  test('bring each event once, though proxy, log and Clowder saw it', async () => {
    expect(new Set(received.map(({ messageId }) => messageId)).size).toBe(received.length);
    expect(lines).toHaveLength(REQUESTS);
    const marked = lines.filter((line) => /^[0-9a-f]{16}$/.test(line['http.response.header.x-clowder-captured'] ?? ''));
    expect(marked.length).toBeGreaterThanOrEqual(received.length);
    // Observations that came before the proxy's and waited for it are not counted as duplicates.
    expect(await seenTwice()).toBeGreaterThan(received.length);
  });

  test('count connections, requests, clients, answers and bytes in each window, with robots separate', () => {
    expect(windows).toEqual(windowsOf(done.exchanges, lines, WINDOW_MS));
    expect(windows.length).toBeGreaterThan(1);
  });

  test('know clients by their own addresses, including IPv6', () => {
    const addresses = received.map(({ body }) => body['client_address']);
    expect(new Set(addresses)).toEqual(new Set(['127.0.0.0', '::']));
  });

  test("make one trace in Jaeger: the request's id by NGINX, the proxy's span, Clowder's under it", async () => {
    const asked = lines.find((line) => line['http.response.header.content-disposition'] !== undefined);
    const traceId = asked?.['clowder.request.id'] ?? '';
    const spans = await deployment.jaeger.waitForTrace(traceId, ({ length }) => length >= 2, 'two spans');
    expect(spans).toHaveLength(2);
    const [proxy, clowder] = ['clowder-otel-proxy', 'clowder-v1'].map((name) => spans.find((one) => one.service === name)); // prettier-ignore
    expect(proxy?.parentId).toBe(asked?.['span_id']);
    expect(clowder?.parentId).toBe(proxy?.spanId);
    expect(received.some(({ body }) => body['trace_id'] === traceId)).toBe(true);
  });

  test("begin a trace for each request of a client, with a link to the client's", async () => {
    const { traceId, traceparent } = newTrace();
    await curl(deployment.nginx.url, get(`/files/${seedId('file', 9)}`, { agent: 'browser' }), { traceparent });
    const [line] = (await deployment.nginx.lines()).slice(-1);
    expect(line?.['http.request.header.traceparent']).toBe(traceparent);
    const spans = await deployment.jaeger.waitForTrace(line?.['trace_id'] ?? '', ({ length }) => length >= 2, 'spans');
    const proxy = spans.find(({ service }) => service === 'clowder-otel-proxy');
    expect(proxy?.links).toEqual([{ traceId, spanId: traceparent.split('-')[2] }]);
  });

  test('make a hundred events of a hundred identical requests in one trace of a client', async () => {
    const { traceparent } = newTrace();
    const path = `/api/files/${seedId('file', 9)}/blob`;
    const before = (await deployment.nginx.lines()).length;
    for (let requests = 0; requests < 100; requests += 1)
      await curl(deployment.nginx.url, get(path), { traceparent, tracestate: 'clowder=b7ad6b7169203331' });
    await deployment.settled();
    await deployment.published('after the hundred');
    const ids = (await deployment.nginx.lines())
      .slice(before)
      .map((line) => line['http.response.header.x-clowder-captured']);
    const events = deployment.sink().received.filter(({ body }) => ids.includes(String(body['span_id'])));
    expect(new Set(ids).size).toBe(100);
    expect(events.map(({ body }) => [body['event'], body['source']])).toEqual(Array.from(ids, () => ['view.download', 'proxy'])); // prettier-ignore
    expect(new Set(events.map(({ messageId }) => messageId)).size).toBe(100);
  });

  test('keep no secret in the log, the queues, the journal, a message or a trace', async () => {
    const { collector, jaeger, nginx, otel } = deployment;
    const dirs = [nginx.logDir, collector.dataDir, join(otel.dir, 'offsets'), join(otel.dir, 'queues')];
    const texts = [
      ...(await Promise.all(dirs.map(contents))).flat(),
      { name: 'messages', text: JSON.stringify(received) },
      { name: "the Collector's output", text: otel.output() },
      { name: 'Jaeger', text: await (await fetch(`${jaeger.url}/api/traces?service=clowder-v1&limit=3000`)).text() },
    ];
    expect(texts.filter(({ text }) => text.includes('canary')).map(({ name }) => name)).toEqual([]);
    expect(texts.filter(({ text }) => text.includes('key=REDACTED')).length).toBeGreaterThan(3);
  });
});

describe('NGINX, OTel Collector and collector as shipped, without the proxy', () => {
  beforeAll(async () => {
    deployment = await startDeployment({ proxy: false, waitForCaptureS: 20, latenessS: 5 });
    await everythingAfter(() => makeTraffic(deployment.nginx.port, 6000, REQUESTS));
  }, 600_000);

  afterAll(() => deployment[Symbol.asyncDispose]());

  test('bring to RabbitMQ exactly what the log knows of what was done', () => {
    expect(asMultiset(received.map((one) => asExpected(one)))).toEqual(asMultiset(done.byLog));
    expect(received.length).toBeGreaterThan(REQUESTS / 2);
    expect(new Set(received.map(({ messageId }) => messageId)).size).toBe(received.length);
  });

  test('make a hundred events of a hundred identical requests in one trace of a client', async () => {
    const { traceparent } = newTrace();
    const before = deployment.sink().received.length;
    for (let requests = 0; requests < 100; requests += 1)
      await curl(deployment.nginx.url, get(`/api/files/${seedId('file', 9)}/blob`), { traceparent });
    await deployment.settled();
    await deployment.published('after the hundred');
    const events = deployment.sink().received.slice(before);
    expect(events.filter(({ body }) => body['event'] === 'view.download')).toHaveLength(100);
  });

  test('count in each window what the clients did', () => {
    expect(windows).toEqual(windowsOf(done.exchanges, lines, WINDOW_MS));
    const [first] = windows;
    expect(first?.bot_bytes).toBeGreaterThan(0);
    expect(first?.responses_4xx).toBeGreaterThan(0);
  });

  test('let no observation wait, as there is no stronger observer', () => {
    expect(lines.filter((line) => line['http.response.header.x-clowder-captured'] !== '')).toEqual([]);
    expect(received.filter(({ body }) => body['recovered'] !== undefined)).toEqual([]);
  });
});

/** Observations of events that had been seen before. */
async function seenTwice(): Promise<number> {
  const metrics = await (await fetch(`${deployment.collector.url}/metrics`)).text();
  return Number(/^clowder_otel_duplicate_events_total(?:\{[^}]*\})? (\d+)$/m.exec(metrics)?.[1]);
}

const contents = async (dir: string): Promise<readonly { readonly name: string; readonly text: string }[]> =>
  Promise.all((await readdir(dir)).map(async (name) => ({ name, text: await readFile(join(dir, name), 'latin1') })));
