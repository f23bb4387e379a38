import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startCollector, type CollectorProcess } from '../support/collector-process.ts';
import { curl } from '../support/curl.ts';
import { startJaeger, type Jaeger, type JaegerSpan } from '../support/jaeger.ts';
import { startOtelCollector, type OtelCollector } from '../support/otel-collector.ts';
import { startProcess } from '../support/processes.ts';
import { startProxyProcess, type ProxyProcess } from '../support/proxy-process.ts';
import { PRELOAD } from '../support/registered-server.ts';
import { newTrace } from '../support/run-scenarios.ts';
import { startStandIn, type StandIn } from '../support/stand-in.ts';
import { waitFor } from '../support/wait-for.ts';
import { file, get, inJson, post, type Sent } from '../stand-in/scenarios/scenario.ts';
import { seedId } from '../stand-in/seeds.ts';
import { packedPackage } from '../../tools/packed-package.ts';

const PROXY = 'clowder-otel-proxy';

let jaeger: Jaeger;
let collector: CollectorProcess;
let otel: OtelCollector;

beforeAll(async () => {
  jaeger = await startJaeger();
  collector = await startCollector({ amqpUrl: 'amqp://127.0.0.1:1' });
  otel = await startOtelCollector(({ otlpPort }) => ({
    receivers: { otlp: { protocols: { http: { endpoint: `127.0.0.1:${otlpPort}` } } } },
    exporters: {
      'otlp_http/clowder': { endpoint: collector.url },
      'otlp_http/jaeger': { endpoint: jaeger.otlpUrl },
    },
    service: {
      pipelines: {
        traces: { receivers: ['otlp'], exporters: ['otlp_http/clowder', 'otlp_http/jaeger'] },
        logs: { receivers: ['otlp'], exporters: ['otlp_http/clowder'] },
        metrics: { receivers: ['otlp'], exporters: ['otlp_http/clowder'] },
      },
    },
  }));
});

afterAll(async () => {
  await otel.stop();
  await collector.stop();
  await jaeger[Symbol.asyncDispose]();
});

const of = (service: string, spans: readonly JaegerSpan[]): JaegerSpan | undefined =>
  spans.find((span) => span.service === service);

/** One upload and one view for each version: what is sent, and what its span must have. */
const VERSIONS = [
  {
    version: 'v1',
    dataset: seedId('dataset', 901),
    viewed: seedId('dataset', 911),
    view: `/datasets/${seedId('dataset', 911)}`,
    route: '/api/uploadToDataset/:id',
    upload: (dataset: string): Sent =>
      post(`/api/uploadToDataset/${dataset}?key=canary-query-key`, { parts: [file('File', 'a.txt', 10)] }),
    failing: get(`/api/files/${seedId('file', 1, 'broken')}/blob?key=canary-query-key`),
  },
  {
    version: 'v2',
    dataset: seedId('dataset', 902),
    viewed: seedId('dataset', 912),
    view: `/api/v2/datasets/${seedId('dataset', 912)}`,
    route: '/api/v2/datasets/:id/files',
    upload: (dataset: string): Sent =>
      post(`/api/v2/datasets/${dataset}/files`, {
        parts: [file('file', 'a.txt', 10)],
        headers: { authorization: 'Bearer canary-token', cookie: 'Authorization="Bearer canary-cookie"' },
      }),
    failing: get(`/api/v2/files/${seedId('file', 1, 'broken')}`),
  },
] as const;

describe.each(VERSIONS)(
  'in Jaeger, a request to Clowder $version',
  ({ version, dataset, viewed, view, route, upload, failing }) => {
    const trace = newTrace();
    let standIn: StandIn;
    let proxy: ProxyProcess;
    let uploaded: string;
    let spans: readonly JaegerSpan[];

    beforeAll(async () => {
      standIn = await startStandIn(version, { otlpUrl: otel.url });
      proxy = await startProxyProcess({ target: standIn.url, otlpUrl: otel.url, flags: ['--clowder', version] });
      const got = await curl(proxy.url, upload(dataset), { traceparent: trace.traceparent });
      uploaded = inJson(got, 'id');
      spans = await jaeger.waitForTrace(trace.traceId, ({ length }) => length >= 2, "the proxy's and Clowder's spans");
    });

    afterAll(async () => {
      await proxy.kill();
      await standIn.stop();
    });

    test("is one trace: the client's span, the proxy's under it, and Clowder's under that", () => {
      const ours = of(PROXY, spans);
      const clowders = of(`clowder-${version}`, spans);
      expect(spans).toHaveLength(2);
      expect(clowders?.parentId).toBe(ours?.spanId);
      expect(ours?.parentId).toBe(trace.traceparent.split('-')[2]);
      expect(ours?.tags).toMatchObject({
        'span.kind': 'server',
        'http.request.method': 'POST',
        'http.response.status_code': 200,
        'clowder.route': route,
        'clowder.dataset.id': dataset,
        'clowder.file.id': uploaded,
        'clowder.client.kind': 'api',
      });
      expect(ours?.name).toBe(`POST ${route}`);
    });

    test.each(['clowder.route', 'clowder.dataset.id', 'clowder.file.id'] as const)('is found by %s', async (tag) => {
      const value = { 'clowder.route': route, 'clowder.dataset.id': dataset, 'clowder.file.id': uploaded }[tag];
      expect(await jaeger.find(PROXY, { [tag]: value })).toEqual([trace.traceId]);
      expect(await jaeger.find(PROXY, { [tag]: `${value}-other` })).toEqual([]);
    });

    test('has no secret in its spans', () => {
      expect(JSON.stringify(of(PROXY, spans))).not.toContain('canary');
    });

    test('without a trace from its client begins one, which Clowder joins', async () => {
      await curl(proxy.url, get(view));
      const [traceId = ''] = await waitFor(
        async () => {
          const found = await jaeger.find(PROXY, { 'clowder.dataset.id': viewed });
          return found.length > 0 && found;
        },
        { what: 'the trace' },
      );
      const both = await jaeger.waitForTrace(traceId, ({ length }) => length >= 2, 'both spans');
      expect(of(PROXY, both)?.parentId).toBeUndefined();
      expect(of(`clowder-${version}`, both)?.parentId).toBe(of(PROXY, both)?.spanId);
    });

    test('that fails in Clowder is an error in the trace', async () => {
      const { traceId, traceparent } = newTrace();
      const { status } = await curl(proxy.url, failing, { traceparent });
      expect(status).toBe(500);
      const found = await jaeger.waitForTrace(traceId, ({ length }) => length >= 2, 'both spans');
      expect(of(PROXY, found)?.tags).toMatchObject({
        error: true,
        'http.response.status_code': 500,
        'error.type': '500',
      });
      expect(JSON.stringify(of(PROXY, found))).not.toContain('canary');
    });

    test('that finds Clowder away gets 502, and its span says why', async () => {
      await standIn.stop();
      const { traceId, traceparent } = newTrace();
      const { status } = await curl(proxy.url, upload(dataset), { traceparent });
      expect(status).toBe(502);
      const [span, ...others] = await jaeger.waitForTrace(traceId, ({ length }) => length >= 1, "the proxy's span");
      expect(others).toEqual([]);
      expect(span?.tags).toMatchObject({
        error: true,
        'http.response.status_code': 502,
        'clowder.route': route,
        'error.type': expect.stringMatching(/ECONNREFUSED|502|refused/i) as string,
      });
    });
  },
);

describe('in Jaeger, an extraction', () => {
  const [fileId, datasetId] = [seedId('file', 950), seedId('dataset', 950)];

  beforeAll(async () => {
    const program = await startProcess(
      process.execPath,
      [...PRELOAD, 'programs/two-extractions.mjs', fileId, datasetId],
      {
        cwd: packedPackage().home,
        env: { OTEL_EXPORTER_OTLP_ENDPOINT: otel.url, OTEL_SERVICE_NAME: 'ncsa.tiles' },
      },
    );
    if ((await program.exited).code !== 0) throw new Error(program.output());
  });

  /** The only span of a job, found by its tags. */
  async function spanOf(tags: Readonly<Record<string, string>>): Promise<JaegerSpan> {
    const [traceId = ''] = await waitFor(
      async () => {
        const found = await jaeger.find('ncsa.tiles', tags);
        return found.length > 0 && found;
      },
      { what: `an extraction with ${JSON.stringify(tags)}` },
    );
    const [span, ...others] = await jaeger.trace(traceId);
    expect(others).toEqual([]);
    if (span === undefined) throw new Error('Jaeger lost the trace that it found');
    return span;
  }

  test('is a span with what happened in it, found by file, dataset and job', async () => {
    const span = await spanOf({
      'clowder.file.id': fileId,
      'clowder.dataset.id': datasetId,
      'clowder.job.id': 'good',
    });
    expect(span.name).toBe('extract ncsa.tiles');
    expect(span.tags).toMatchObject({ 'clowder.extractor.name': 'ncsa.tiles', 'clowder.extractor.version': '2.1' });
    expect(span.tags['error']).toBeUndefined();
    expect(span.events.map((one) => [one['event'], one['clowder.extraction.message']])).toEqual([
      ['extraction.queued', undefined],
      ['extraction.working', 'tiling'],
      ['extraction.working', 'storing 4 tiles'],
      ['extraction.done', undefined],
    ]);
  });

  test('that failed says why, without the secret in the message', async () => {
    const span = await spanOf({ 'clowder.job.id': 'bad' });
    expect(span.tags).toMatchObject({ error: true, 'error.type': 'RangeError' });
    expect(span.events.map((one) => one['event'])).toEqual(['exception', 'extraction.failed']);
    expect(JSON.stringify(span)).toContain('no such tile');
    expect(JSON.stringify(span)).not.toContain('canary');
  });
});
