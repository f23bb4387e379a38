import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startCollector, type CollectorProcess } from '../support/collector-process.ts';
import { bindEventSink, consumeEventSink, type EventSink, type ReceivedEvent } from '../support/consumer.ts';
import { curl } from '../support/curl.ts';
import { startOtelCollector, type OtelCollector } from '../support/otel-collector.ts';
import { startProxyProcess } from '../support/proxy-process.ts';
import { everythingIsPublished } from '../support/published.ts';
import { openVhost, type VirtualHost } from '../support/virtual-host.ts';
import { newTrace } from '../support/run-scenarios.ts';
import { startStandIn, type StandIn } from '../support/stand-in.ts';
import { waitFor } from '../support/wait-for.ts';
import { del, file, get, inJson, post, USER_AGENTS, type Got, type Sent } from '../stand-in/scenarios/scenario.ts';
import { seedId } from '../stand-in/seeds.ts';

const DATASET = seedId('dataset', 970);
const GONE = '5f00000000000000000000ff';

/** What a second observer knows of a request from path and status: an event type, and a resource if the path has one. */
interface Done {
  readonly sent: Sent;
  readonly event?: string;
  readonly resourceId?: string;
}

/** One request of each kind, about resources with this number. */
const requests = (number: number): readonly Done[] => {
  const [fileId, datasetId] = [seedId('file', number), seedId('dataset', number)];
  return [
    { sent: get(`/api/files/${fileId}/blob?key=canary-query-key`), event: 'view.download', resourceId: fileId },
    { sent: get(`/files/${fileId}`, { agent: 'browser' }), event: 'view.resource', resourceId: fileId },
    { sent: get('/datasets', { agent: 'browser' }), event: 'view.page' },
    { sent: post(`/api/uploadToDataset/${DATASET}`, { parts: [file('File', 'a.txt', 10)] }), event: 'file.uploaded' },
    { sent: del(`/api/datasets/${datasetId}`), event: 'dataset.deleted', resourceId: datasetId },
    { sent: get(`/api/files/${GONE}/blob`) },
    { sent: { method: 'HEAD', path: `/api/files/${fileId}/blob` } },
  ];
};

/** A request that was made, with its trace. */
interface Made extends Done {
  readonly traceId: string;
  readonly got: Got;
}

let broker: VirtualHost;
let collector: CollectorProcess;
let otel: OtelCollector;
let standIn: StandIn;
let sink: EventSink;
let received: readonly ReceivedEvent[];
/** Requests whose events the proxy sent before it was killed. */
let told: readonly Made[];
let lost: readonly Made[];
/** The last of the lost requests, which are also in the access log. */
let logged: readonly Made[];

const make = async (url: string, all: readonly Done[]): Promise<readonly Made[]> => {
  const made: Made[] = [];
  for (const one of all) {
    const { traceId, traceparent } = newTrace();
    made.push({ ...one, traceId, got: await curl(url, one.sent, { traceparent }) });
  }
  return made;
};

beforeAll(async () => {
  broker = await openVhost();
  await bindEventSink(broker.url);
  sink = await consumeEventSink(broker.url);
  collector = await startCollector({
    amqpUrl: broker.url,
    env: { CLOWDER_VERSION: 'v1', WAIT_FOR_CAPTURE_S: '2' },
  });
  // Clowder's spans wait here while the collector is away, as in a deployment.
  otel = await startOtelCollector(({ otlpPort }) => ({
    receivers: { otlp: { protocols: { http: { endpoint: `127.0.0.1:${otlpPort}` } } } },
    exporters: {
      otlp_http: {
        endpoint: collector.url,
        retry_on_failure: { enabled: true, initial_interval: '200ms', max_interval: '500ms', max_elapsed_time: 0 },
      },
    },
    service: { pipelines: { traces: { receivers: ['otlp'], exporters: ['otlp_http'] } } },
  }));
  standIn = await startStandIn('v1', { otlpUrl: otel.url });
  const proxy = await startProxyProcess({ target: standIn.url, otlpUrl: collector.url, flags: ['--clowder', 'v1'] });

  told = await make(proxy.url, requests(971));
  const toldEvents = told.filter(({ event }) => event !== undefined);
  await waitFor(() => sink.received.length >= toldEvents.length, { what: "the proxy's own events" });
  await collector.kill();
  lost = await make(proxy.url, [972, 973].flatMap(requests));
  logged = lost.slice(-requests(0).length);
  await proxy.kill('SIGKILL');
  await collector.start();
  await sendAccessLog([...told, ...logged]);
  await standIn.stop();
  const recoverable = lost.filter(({ event }) => event !== undefined).length;
  await waitFor(() => sink.received.length >= toldEvents.length + recoverable, {
    what: 'the events that the proxy took with it',
  });
  await everythingIsPublished(collector, sink, 'the last one');
  received = sink.received.filter(({ messageId }) => messageId !== 'the last one');
});

afterAll(async () => {
  await sink[Symbol.asyncDispose]();
  await otel.stop();
  await collector.stop();
  await broker[Symbol.asyncDispose]();
});

/** The lines that NGINX in front of the proxy writes for these requests, as the OTel Collector sends them. */
async function sendAccessLog(made: readonly Made[]): Promise<void> {
  const text = (key: string, value: string) => ({ key, value: { stringValue: value } });
  const logRecords = made.map(({ sent, got, traceId }) => ({
    timeUnixNano: `${Date.now()}000000`,
    traceId,
    attributes: [
      text('http.request.method', sent.method),
      text('url.path', sent.path.split('?', 1)[0] ?? ''),
      text('url.query', sent.path.split('?')[1] ?? ''),
      text('http.response.status_code', String(got.status)),
      text('http.response.body.size', String(got.bytes)),
      text('user_agent.original', sent.agent === 'browser' ? USER_AGENTS.browser : 'curl/7.88.1'),
      text('http.response.header.x-clowder-captured', got.headers.get('x-clowder-captured') ?? ''),
    ],
  }));
  const response = await fetch(`${collector.url}/v1/logs`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ resourceLogs: [{ scopeLogs: [{ logRecords }] }] }),
  });
  if (!response.ok) throw new Error(await response.text());
}

const eventsOf = ({ traceId }: Made): readonly ReceivedEvent[] =>
  received.filter(({ body }) => body['trace_id'] === traceId);

const facts = (events: readonly ReceivedEvent[]): readonly (readonly unknown[])[] =>
  events.map(({ body }) => [body['event'], body['resource_id'], body['recovered'], body['source'] === 'proxy']);

describe('a proxy killed with events in memory', () => {
  test('had marked exactly the requests that may be an event', () => {
    const marks = told.map(({ got }) => got.headers.get('x-clowder-captured'));
    const ids = marks.slice(0, -1);
    for (const id of ids) expect(id).toMatch(/^[0-9a-f]{16}$/);
    expect(new Set(ids).size).toBe(6);
    expect(marks.at(-1)).toBeUndefined();
  });

  test('leaves the events that it had sent: each once, in full, though Clowder and the log saw them too', () => {
    for (const one of told) {
      const id = one.event === 'file.uploaded' ? inJson(one.got, 'id') : one.resourceId;
      expect(facts(eventsOf(one))).toEqual(one.event === undefined ? [] : [[one.event, id, undefined, true]]);
    }
  });

  test('loses no event that another observer saw: each comes out once, marked as recovered', () => {
    for (const one of lost) {
      // Only the proxy saw the id of a new file.
      expect(facts(eventsOf(one))).toEqual(one.event === undefined ? [] : [[one.event, one.resourceId, true, false]]);
    }
    expect(logged.length).toBeGreaterThan(5);
  });

  test('causes no other event', () => {
    const traces = new Set([...told, ...lost].map(({ traceId }) => traceId));
    expect(received.filter(({ body }) => !traces.has(String(body['trace_id'])))).toEqual([]);
    expect(new Set(received.map(({ messageId }) => messageId)).size).toBe(received.length);
    expect(JSON.stringify(received)).not.toContain('canary');
  });
});
