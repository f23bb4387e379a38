import { once } from 'node:events';
import { createServer, request, type IncomingHttpHeaders, type IncomingMessage, type Server } from 'node:http';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startByteSink } from '../support/byte-sink.ts';
import { contentOfFiles, createCanaries, type Canaries } from '../support/canaries.ts';
import { runCli, runCliToEnd } from '../support/collector-process.ts';
import { freePort, startProcess } from '../support/processes.ts';
import { startProxyProcess } from '../support/proxy-process.ts';
import { secretRequests, type SecretRequest } from '../support/secret-requests.ts';
import {
  EVENT_FORMS,
  REQUEST_FORMS,
  hopelessRecords,
  secretEvents,
  secretMetrics,
  secretText,
} from '../support/secret-telemetry.ts';
import { waitFor } from '../support/wait-for.ts';
import { PRELOAD } from '../support/registered-server.ts';
import { startWatchedCollector, type WatchedCollector } from '../support/watched-collector.ts';
import { packedPackage } from '../../tools/packed-package.ts';

const ORIGIN = 'https://clowder.example';
const PLAIN_PROXY = fileURLToPath(new URL('../support/plain-proxy.ts', import.meta.url));

let collector: WatchedCollector;

beforeAll(async () => {
  collector = await startWatchedCollector(ORIGIN);
});

afterAll(async () => {
  await collector[Symbol.asyncDispose]();
});

/** One line for each secret found in the collector's outputs or in `more`. */
async function leaks(secrets: Canaries, more: Readonly<Record<string, string>> = {}): Promise<readonly string[]> {
  return secrets.leaksIn({ ...(await collector.outputs()), ...more });
}

/** How many events came of it, once all are there. */
async function published(send: () => Promise<void>): Promise<number> {
  const before = collector.received.length;
  await send();
  await collector.published();
  return collector.received.length - before - 1;
}

/** Requests that should have made an event but are in none. */
const unseen = (requests: readonly SecretRequest[], makes: readonly SecretRequest['makes'][], events: string) =>
  requests.filter((one) => makes.includes(one.makes) && !events.includes(one.agent)).map(({ what }) => what);

describe('secrets sent to the collector', () => {
  test.each(Object.entries(REQUEST_FORMS))('in requests, as %s, appear nowhere', async (form, { path, body }) => {
    const secrets = createCanaries();
    const requests = secretRequests(secrets, form);
    expect((await collector.post(path, body(requests))).status).toBe(200);
    await collector.published();
    const events =
      form === 'span that waits' ? await contentOfFiles(collector.dataDir) : JSON.stringify(collector.received);
    expect(unseen(requests, ['event'], events)).toEqual([]);
    expect(await leaks(secrets)).toEqual([]);
  });

  test.each(Object.entries(EVENT_FORMS))('in events, as %s, appear nowhere', async (form, { path, body }) => {
    const secrets = createCanaries();
    const events = secretEvents(secrets, form);
    const count = await published(async () => {
      expect(await collector.post(path, body(events))).toEqual({ status: 200, answer: '{}' });
    });
    expect(count).toBe(events.length);
    expect(await leaks(secrets)).toEqual([]);
  });

  test('in posted events appear nowhere', async () => {
    const secrets = createCanaries();
    const events = secretEvents(secrets, 'posted');
    const count = await published(async () => {
      const all = events.map(({ type, data }) => ({ event: type, ...data }));
      expect((await collector.post('/api/v1/events', all)).status).toBe(202);
      for (const { type, data } of secretEvents(secrets, 'posted to its type'))
        expect((await collector.post(`/api/v1/events/${type}`, data)).status).toBe(202);
      const cloudEvents = secretEvents(secrets, 'CloudEvent').map(({ type, data }, index) => ({
        specversion: '1.0',
        id: `ce-${index}`,
        source: `/cron?key=${secrets.token('key in the source of a CloudEvent')}`,
        type,
        data,
      }));
      const headers = { 'content-type': 'application/cloudevents-batch+json' };
      expect((await collector.post('/api/v1/events', cloudEvents, headers)).status).toBe(202);
    });
    expect(count).toBe(3 * events.length);
    expect(await leaks(secrets)).toEqual([]);
  });

  test('in page views appear nowhere', async () => {
    const secrets = createCanaries();
    const { url = '', referrer = '' } =
      secretEvents(secrets, 'browser').find(({ type }) => type === 'view.page')?.data ?? {};
    const headers = { origin: ORIGIN, 'user-agent': 'Mozilla/5.0', cookie: `id=${secrets.token('cookie of a page')}` };
    const view = async (path: string, body: object) => (await collector.post(path, body, headers)).status;
    const count = await published(async () => {
      expect(await view('/api/v1/browser', { url, referrer, key: collector.keys.browser })).toBe(202);
      expect(await view('/api/v1/browser', { url, key: secrets.token('wrong key of a snippet') })).toBe(401);
      expect(await view(`/api/v1/browser?key=${collector.keys.browser}`, { url: 7, referrer })).toBe(422);
    });
    expect(count).toBe(1);
    expect(await leaks(secrets)).toEqual([]);
  });

  test('in health readings appear nowhere', async () => {
    const secrets = createCanaries();
    const count = await published(async () => {
      expect((await collector.post('/v1/metrics', secretMetrics(secrets))).status).toBe(200);
    });
    expect(count).toBe(2);
    expect(await leaks(secrets)).toEqual([]);
  });

  test('in rejected records are neither kept nor repeated to the sender', async () => {
    const secrets = createCanaries();
    const { status, answer } = await collector.post('/v1/logs', hopelessRecords(secrets));
    expect(status).toBe(200);
    expect(answer).toContain('partialSuccess');
    const refused = secretEvents(secrets, 'refused').map(({ type, data }) =>
      Object.assign({ event: type, created: 'no' }, data),
    );
    expect((await collector.post('/api/v1/events', refused)).status).toBe(422);
    expect(await collector.get('/api/v1/rejected?limit=1000')).toContain('file.stolen');
    const listed = await runCli(['rejected', 'list', '--limit', '1000'], {
      PORT: String(collector.port),
      DATA_DIR: collector.dataDir,
      CLOWDER_OTEL_KEY: collector.keys.read,
    });
    expect(listed).toContain('file.stolen');
    expect(await leaks(secrets, { 'rejected list': listed })).toEqual([]);
  });

  test('in unreadable or unauthorised requests appear nowhere', async () => {
    const secrets = createCanaries();
    const half = `{"key": "${secrets.token('key in half a body')}", ${secretText(secrets, 'half a body')}`;
    for (const path of ['/v1/logs', '/v1/traces', '/v1/metrics', '/api/v1/events', '/api/v1/browser'])
      for (const type of ['application/json', 'application/x-protobuf', 'text/plain']) {
        const { status } = await collector.post(path, half, { 'content-type': type, origin: ORIGIN });
        expect(status).toBeGreaterThanOrEqual(400);
        expect(status).toBeLessThan(500);
      }
    const query = `key=${secrets.token('key in the query')}&token=${secrets.token('token in the query')}`;
    const bearer = { authorization: `Bearer ${secrets.token('unknown API key')}` };
    expect((await collector.post(`/v1/logs?${query}`, {}, bearer)).status).toBe(401);
    const header = { authorization: '', 'x-api-key': secrets.token('unknown X-API-Key') };
    expect((await collector.post(`/api/v1/events?${query}`, {}, header)).status).toBe(401);
    for (const path of ['/api/v1/events', '/nothing/here', '/api/v1/rejected', '/', '/v1/no', '/api/v1/events/stream'])
      expect(await collector.get(`${path}?${query}&type=key%3D${secrets.token('key as a filter')}`, bearer)).not.toBe(
        '',
      );
    expect(await leaks(secrets)).toEqual([]);
  });
});

describe('secrets in requests to Clowder', () => {
  let clowder: Server;
  let clowderPort: number;
  /** What Clowder answers, by User-Agent. */
  const known = new Map<string | undefined, SecretRequest>();
  let isAway = false;
  /** Headers of the look-ups that came, and the answer that they get. */
  const lookups = { headers: [] as IncomingHttpHeaders[], answer: { status: 500, body: '' } };

  beforeAll(async () => {
    clowderPort = await freePort();
    clowder = createServer((incoming, response) => {
      if (isAway) incoming.destroy();
      incoming.resume().on('end', () => {
        if (incoming.headers['user-agent'] === 'clowder-otel') {
          lookups.headers.push(incoming.headers);
          response.writeHead(lookups.answer.status, { 'content-type': 'application/json' }).end(lookups.answer.body);
          return;
        }
        const answer = known.get(incoming.headers['user-agent'])?.answer;
        response.writeHead(answer?.status ?? 500, answer?.headers).end(answer?.body);
      });
    }).listen(clowderPort, '127.0.0.1');
    await once(clowder, 'listening');
  });

  afterAll(async () => {
    clowder.closeAllConnections();
    clowder.close();
    await once(clowder, 'close');
  });

  /** Sends a request unchanged. @returns the answer's status */
  async function send(url: string, { method, target, headers, body }: SecretRequest): Promise<number> {
    const { hostname, port } = new URL(url);
    const outgoing = request({ hostname, port, method, path: target, headers, agent: false }).end(body);
    const [answer] = (await once(outgoing, 'response')) as [IncomingMessage];
    await text(answer);
    return answer.statusCode ?? 0;
  }

  /** Sends all requests. @returns those that did not get Clowder's own answer */
  async function sendAll(url: string, requests: readonly SecretRequest[]): Promise<readonly string[]> {
    const odd: string[] = [];
    for (const one of requests) {
      known.set(one.agent, one);
      if ((await send(url, one)) !== one.answer.status) odd.push(one.what);
    }
    return odd;
  }

  const otlpHeaders = (): string => `authorization=Bearer%20${collector.keys.ingest}`;

  test('leave the proxy neither in spans or events nor in its log', async () => {
    const secrets = createCanaries();
    const requests = secretRequests(secrets, 'proxy');
    const lost = secretRequests(secrets, 'proxy without Clowder');
    await using telemetry = await startByteSink(collector.url);
    const proxy = await startProxyProcess({
      target: `http://127.0.0.1:${clowderPort}`,
      otlpUrl: telemetry.url,
      env: { LOG_LEVEL: 'trace', OTEL_LOG_LEVEL: 'debug', OTEL_EXPORTER_OTLP_HEADERS: otlpHeaders() },
    });
    expect(await sendAll(proxy.url, requests)).toEqual([]);
    isAway = true;
    const statuses = new Map<string, number>();
    for (const one of lost) statuses.set(one.what, await send(proxy.url, one));
    expect([...statuses].filter(([, status]) => status !== 502)).toEqual([['user info', 400]]);
    isAway = false;
    await proxy.kill();
    await collector.published();
    const spans = telemetry.content();
    const withoutSpan = [...requests, ...lost].filter(({ agent }) => !spans.includes(agent)).map(({ what }) => what);
    // These are refused before they count as requests.
    expect(withoutSpan).toEqual(['user info', 'user info']);
    expect(unseen(requests, ['event', 'event of the proxy'], JSON.stringify(collector.received))).toEqual([]);
    const more = {
      'telemetry of the proxy': spans,
      "the proxy's log": proxy.output(),
    };
    expect(await leaks(secrets, more)).toEqual([]);
    expect(collector.credentials.leaksIn(more)).toEqual([]);
  });

  const ID = '5f1e00000000000000000001';
  test.each([
    ['returns data', 200, (secret: string) => ({ id: ID, name: 'Soil', email: 'ada@example.org', secretKey: secret })],
    ['fails', 500, (secret: string) => ({ error: `GET /api/me?key=${secret}` })],
  ] as const)('leave a proxy with look-ups only towards Clowder, even if Clowder %s', async (how, status, body) => {
    const secrets = createCanaries();
    const apiKey = secrets.token(`key of the operator (${how})`);
    lookups.answer = {
      status,
      body: JSON.stringify(body(secrets.token(`secret in the answer to a look-up (${how})`))),
    };
    lookups.headers = [];
    const requests = secretRequests(secrets, `proxy that asks, where Clowder ${how}`);
    await using telemetry = await startByteSink(collector.url);
    const proxy = await startProxyProcess({
      target: `http://127.0.0.1:${clowderPort}`,
      otlpUrl: telemetry.url,
      env: {
        CLOWDER_VERSION: 'v1',
        CLOWDER_ENRICH: 'names,users',
        CLOWDER_ENRICH_API_KEY: apiKey,
        LOG_LEVEL: 'trace',
        OTEL_LOG_LEVEL: 'debug',
        OTEL_EXPORTER_OTLP_HEADERS: otlpHeaders(),
      },
    });
    expect(await sendAll(proxy.url, requests)).toEqual([]);
    const figures = await (await fetch(`${proxy.adminUrl}/metrics`)).text();
    await proxy.kill();
    await collector.published();
    const asked = lookups.headers.map((headers) => JSON.stringify(headers));
    expect(asked.some((headers) => headers.includes(apiKey))).toBe(true);
    // A request's credentials go with that request's own look-ups, never together with the operator's key.
    const withUsers = asked.filter((headers) => !headers.includes(apiKey));
    expect(secrets.leaksIn({ asked: withUsers.join('\n') }).length).toBeGreaterThan(0);
    if (status === 200) expect(JSON.stringify(collector.received)).toContain('ada@example.org');
    const more = { 'telemetry of the proxy': telemetry.content(), "the proxy's log": proxy.output(), figures };
    expect(await leaks(secrets, more)).toEqual([]);
    expect(collector.credentials.leaksIn(more)).toEqual([]);
  });

  test('leave an instrumented server neither in spans or events nor in its output', async () => {
    const secrets = createCanaries();
    const requests = secretRequests(secrets, 'preload');
    await using telemetry = await startByteSink(collector.url);
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    const server = await startProcess(process.execPath, [...PRELOAD, PLAIN_PROXY, String(port), String(clowderPort)], {
      cwd: packedPackage().home,
      env: {
        OTEL_EXPORTER_OTLP_ENDPOINT: telemetry.url,
        OTEL_EXPORTER_OTLP_HEADERS: otlpHeaders(),
        OTEL_BSP_SCHEDULE_DELAY: '100',
        OTEL_LOG_LEVEL: 'debug',
        OTEL_METRICS_EXPORTER: 'none',
      },
      ready: (output) => output.includes('listening'),
    });
    expect(await sendAll(url, requests)).toEqual([]);
    await waitFor(() => requests.every(({ agent }) => telemetry.content().includes(agent)), { what: 'all spans' });
    await server.kill();
    await collector.published();
    expect(unseen(requests, ['event', 'event of the proxy'], JSON.stringify(collector.received))).toEqual([]);
    const more = { 'telemetry of the server': telemetry.content(), 'output of the server': server.output() };
    expect(await leaks(secrets, more)).toEqual([]);
    expect(collector.credentials.leaksIn(more)).toEqual([]);
  });

  test('in settings that the proxy refuses are not printed', async () => {
    const secrets = createCanaries();
    const target = `http://me:${secrets.token('password of the target')}@127.0.0.1:1`;
    const enrichUrl = `http://me:${secrets.token('password where Clowder is asked')}@127.0.0.1:1`;
    const key = `not a key ${secrets.token('key to ask with')}`;
    const { code, stdout, stderr } = await runCliToEnd(
      ['proxy', '--target', target, '--enrich-url', enrichUrl, '--enrich-api-key', key],
      {},
    );
    expect(code).not.toBe(0);
    for (const name of ['PROXY_TARGET', 'CLOWDER_ENRICH_URL', 'CLOWDER_ENRICH_API_KEY']) expect(stderr).toContain(name);
    expect(secrets.leaksIn({ stdout, stderr })).toEqual([]);
  });
});

test("the collector's own credentials appear nowhere", async () => {
  const { "the collector's own telemetry": own, "the collector's log": log } = await collector.outputs();
  expect(own).toContain('clowder-otel-collector');
  expect(log).toContain('refuses user or password');
  expect(await leaks(collector.credentials)).toEqual([]);
});
