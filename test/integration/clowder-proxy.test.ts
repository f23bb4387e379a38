import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { launchChromium } from '../support/chromium.ts';
import { visit, VISITOR } from '../support/clowder-visits.ts';
import { startCollector, type CollectorProcess } from '../support/collector-process.ts';
import { bindEventSink, consumeEventSink, type EventSink, type ReceivedEvent } from '../support/consumer.ts';
import { startProxyProcess, type ProxyProcess } from '../support/proxy-process.ts';
import { asExpected, asMultiset, byProxy, everythingIsPublished } from '../support/published.ts';
import { openVhost, type VirtualHost } from '../support/virtual-host.ts';
import { newTrace, runScenarios, statusesOf, type ScenarioRun } from '../support/run-scenarios.ts';
import { startStandIn, type StandIn } from '../support/stand-in.ts';
import { PYTHON } from '../support/tools.ts';
import { downloaded, uploaded } from '../stand-in/scenarios/events.ts';
import { get, one, USER_AGENTS, type ExpectedEvent, type Scenario } from '../stand-in/scenarios/scenario.ts';
import { quietRequests, scenariosOf } from '../stand-in/scenarios.ts';
import { seedId } from '../stand-in/seeds.ts';

const EXTRACTOR = fileURLToPath(new URL('../support/pyclowder_like.py', import.meta.url));
const FILE = seedId('file', 800);
const DATASET = seedId('dataset', 800);

let broker: VirtualHost;

beforeAll(async () => {
  broker = await openVhost();
  await bindEventSink(broker.url);
});

afterAll(async () => {
  await broker[Symbol.asyncDispose]();
});

/** What the Python client reports. */
interface Extracted {
  readonly bytes: number;
  readonly words: number;
  readonly uploaded: string;
  readonly job_id: string;
}

/** Version of Clowder, its setting in proxy and collector, and its context path. */
const SITES = [
  { version: 'v1', clowder: 'v1', contextPath: '' },
  { version: 'v2', clowder: 'v2', contextPath: '' },
  { version: 'v1', clowder: 'auto', contextPath: '/clowder' },
] as const;

/** What the proxy itself answers while Clowder is away. */
const whileAway = (version: 'v1' | 'v2'): readonly Scenario[] => [
  one('a health check', get(version === 'v1' ? '/healthz' : '/api/v2/status'), 502, [
    { event: 'health.ping', component: 'clowder', healthy: false, status_code: 502 },
  ]),
  one('a download', get(version === 'v1' ? `/api/files/${FILE}/blob` : `/api/v2/files/${FILE}`), 502, []),
];

describe.each(SITES)('a Clowder $version ($clowder, $contextPath/) behind the proxy', (site) => {
  const { version, clowder, contextPath } = site;
  const lastId = `the last of ${version} ${clowder}`;
  let collector: CollectorProcess;
  let sink: EventSink;
  let standIn: StandIn;
  let proxy: ProxyProcess;
  /** Base URL of Clowder as its clients know it. */
  let base: string;
  let runs: ReadonlyMap<string, ScenarioRun>;
  let quietStatuses: readonly number[];
  let visited: readonly ExpectedEvent[];
  let extracted: Extracted;
  let away: readonly ScenarioRun[];
  const quietTrace = newTrace();
  /** One for each message, in order of arrival. */
  let received: readonly ReceivedEvent[];

  beforeAll(async () => {
    // Clowder's own spans are a second observer of every request. They are marked, so none may become an event.
    collector = await startCollector({
      amqpUrl: broker.url,
      env: { CLOWDER_VERSION: clowder, CLOWDER_CONTEXT: contextPath, WAIT_FOR_CAPTURE_S: '2', DOWNLOAD_HOLD_S: '2' },
    });
    sink = await consumeEventSink(broker.url);
    standIn = await startStandIn(version, { otlpUrl: collector.url, contextPath });
    proxy = await startProxyProcess({
      target: new URL(standIn.url).origin,
      otlpUrl: collector.url,
      flags: ['--clowder', clowder, '--context-path', contextPath],
    });
    base = proxy.url + contextPath;
    runs = new Map((await runScenarios(base, scenariosOf(version))).map((run) => [run.name, run]));
    quietStatuses = await statusesOf(base, quietRequests(version), quietTrace.traceparent);
    visited = await browse();
    extracted = await extract();
    // Proxy and collector end in this order, and both send what they still have.
    await standIn.stop();
    away = await runScenarios(base, whileAway(version));
    await proxy.kill();
    await everythingIsPublished(collector, sink, lastId);
    received = sink.received.filter(({ messageId }) => messageId !== lastId);
  });

  afterAll(async () => {
    await sink[Symbol.asyncDispose]();
    await collector.stop();
  });

  async function browse(): Promise<readonly ExpectedEvent[]> {
    const browser = await launchChromium();
    try {
      return await visit(version, browser, base);
    } finally {
      await browser.close();
    }
  }

  async function extract(): Promise<Extracted> {
    const args = [EXTRACTOR, version, base, FILE, DATASET, collector.url];
    const { stdout } = await promisify(execFile)(PYTHON, args, { timeout: 60_000 });
    return JSON.parse(stdout) as Extracted;
  }

  const stated = (event: ReceivedEvent): ExpectedEvent => asExpected(event, contextPath);
  const eventsOfTraces = (traceIds: readonly string[]): readonly ExpectedEvent[] =>
    received.filter(({ body }) => traceIds.includes(String(body['trace_id']))).map(stated);

  /** Events of clients that send no trace, by their User-Agent. */
  function eventsOfAgent(userAgent: string): readonly ReceivedEvent[] {
    const traced = new Set([...runs.values()].flatMap(({ traceIds }) => traceIds));
    return received.filter(
      ({ body }) => body['user_agent'] === userAgent && !traced.has(String(body['trace_id'])) && body['source'] === 'proxy', // prettier-ignore
    );
  }

  test.each(scenariosOf(version).map(({ name, statuses }) => ({ name, statuses })))('$name', ({ name, statuses }) => {
    const run = runs.get(name);
    expect(run?.statuses).toEqual(statuses);
    expect(asMultiset(eventsOfTraces(run?.traceIds ?? []))).toEqual(asMultiset(run?.expected ?? []));
  });

  test('reports a Clowder that is away only by health checks', () => {
    expect(away.map(({ statuses }) => statuses)).toEqual([[502], [502]]);
    expect(asMultiset(eventsOfTraces(away.flatMap(({ traceIds }) => traceIds)))).toEqual(
      asMultiset(away.flatMap(({ expected }) => expected)),
    );
  });

  test('makes no event from a route that bears none, whatever the answer', () => {
    expect(quietStatuses.length).toBeGreaterThan(150);
    const refused = quietRequests(version).flatMap(({ method, path }, at) =>
      (quietStatuses[at] ?? 0) >= 400 ? [`${method} ${path}: ${quietStatuses[at]}`] : [],
    );
    expect(refused).toEqual([]);
    expect(eventsOfTraces([quietTrace.traceId])).toEqual([]);
  });

  test('makes exactly the events of what a visitor did in a real browser', () => {
    expect(asMultiset(eventsOfAgent(VISITOR).map(stated))).toEqual(asMultiset(visited));
  });

  test("makes an extractor's download and upload events, marked as an extractor's", () => {
    const download = { resource_id: FILE, file_name: 'file-800.txt', bytes: extracted.bytes } as const;
    const made = { file_id: extracted.uploaded, file_name: 'words.txt', bytes: String(extracted.words).length } as const; // prettier-ignore
    const url = version === 'v1' ? `/api/files/${FILE}?key=REDACTED` : `/api/v2/files/${FILE}`;
    const expected = [
      downloaded('file', { ...download, url }),
      // If the part has no content type, v1 says none either; v2 answers with the type that it detected.
      uploaded({ ...made, dataset_id: DATASET, ...(version === 'v2' && { content_type: 'text/plain' }) }),
    ].map((event) => byProxy(event, 'extractor'));
    expect(extracted.bytes).toBe(1800);
    expect(asMultiset(eventsOfAgent(USER_AGENTS.pyclowder).map(stated))).toEqual(asMultiset(expected));
  });

  test("publishes an extractor's own status messages in order", () => {
    const told = received.filter(({ body }) => body['job_id'] === extracted.job_id).map(({ body }) => body['event']);
    expect(told).toEqual(['extraction.working', 'extraction.working', 'extraction.done']);
  });

  test('publishes nothing else, nothing twice, and nothing from the weaker observer', () => {
    const traces = new Set([...runs.values(), ...away].flatMap(({ traceIds }) => traceIds));
    const strays = received.filter(
      ({ body }) =>
        !traces.has(String(body['trace_id'])) &&
        body['user_agent'] !== VISITOR &&
        body['user_agent'] !== USER_AGENTS.pyclowder &&
        body['job_id'] !== extracted.job_id,
    );
    expect(strays.map(stated)).toEqual([]);
    expect(received.filter(({ body }) => body['recovered'] === true).map(stated)).toEqual([]);
    const ids = received.map(({ messageId }) => messageId);
    expect(ids.length - new Set(ids).size).toBe(0);
  });

  test('lets no secret into a message or the journal', async () => {
    expect(received.map((message) => JSON.stringify(message)).filter((text) => text.includes('canary'))).toEqual([]);
    const files = await readdir(collector.dataDir);
    const contents = await Promise.all(files.map((file) => readFile(join(collector.dataDir, file))));
    expect(contents.reduce((sum, content) => sum + content.length, 0)).toBeGreaterThan(10_000);
    expect(files.filter((_file, index) => contents[index]?.includes('canary'))).toEqual([]);
  });
});
