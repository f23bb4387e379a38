import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { startCollector } from '../test/support/collector-process.ts';
import { startOtelCollector, type OtelCollector } from '../test/support/otel-collector.ts';
import { tempDir } from '../test/support/processes.ts';
import { toolPath } from '../test/support/tools.ts';
import { traceRequest, type BenchSpan } from './otlp-body.ts';
import type { Measure, Row } from './row.ts';
import { load } from './wrk.ts';

const SPANS = 512;
const BODIES = 8;
const SECONDS = 4;
/** Connections, each with one request at a time. */
const CALLS = 8;

/** Routes that the pages of Clowder v2 poll: their server spans must be examined but are no events. */
const POLLED = ['/api/v2/jobs', '/api/v2/feeds', '/api/v2/listeners/search'];

const COMMON = {
  'code.namespace': 'app.jobs',
  'code.function': 'get_all_job_summary',
  'thread.id': 140_301,
  'thread.name': 'AnyIO worker thread',
  'network.protocol.version': '1.1',
  'server.address': 'mongo',
  'server.port': 27_017,
  'user_agent.original': 'Mozilla/5.0 (X11; Linux x86_64) Firefox/128.0',
};

/** 15 attributes and about 620 bytes per span. Of ten spans, six are internal, three a client's and one a server's. */
function span(index: number): BenchSpan {
  const turn = index % 10;
  if (turn === 9) {
    const path = POLLED[index % POLLED.length] ?? '/api/v2/jobs';
    return {
      kind: 2,
      name: `GET ${path}`,
      attributes: {
        ...COMMON,
        'http.request.method': 'GET',
        'http.response.status_code': 200,
        'http.route': path,
        'url.path': path,
        'url.query': 'skip=0&limit=20',
        'url.scheme': 'https',
        'client.address': '192.0.2.17',
      },
    };
  }
  return {
    kind: turn < 6 ? 1 : 3,
    name: turn < 6 ? 'serialize_response' : 'clowder2.file_view find',
    attributes: {
      ...COMMON,
      'db.system.name': 'mongodb',
      'db.namespace': 'clowder2',
      'db.collection.name': 'file_view',
      'db.operation.name': 'find',
      'db.query.text': '{"find": "file_view", "filter": {"dataset_id": "?"}, "limit": 20}',
      'db.response.returned_rows': index,
      'network.peer.address': '10.42.0.12',
    },
  };
}

/** Writes requests with such spans to files, which `stack` removes. */
async function requestFiles(stack: AsyncDisposableStack): Promise<readonly string[]> {
  const temp = stack.adopt(await tempDir('bench'), (dir) => dir.remove());
  return Promise.all(
    Array.from({ length: BODIES }, async (_, number) => {
      const file = join(temp.path, `body-${number}`);
      await writeFile(file, traceRequest(Array.from({ length: SPANS }, (_span, index) => span(index + number))));
      return file;
    }),
  );
}

/** OTLP intake of spans that are no events: ours against the real Collector's otlp receiver → debug exporter. */
export const intake: Row = {
  name: 'intake',
  unit: 'spans/s',
  target: 2.5,
  async start() {
    await using stack = new AsyncDisposableStack();
    const bodies = await requestFiles(stack);
    const measure =
      (url: string): Measure =>
      async () => {
        const args = ['application/x-protobuf', ...bodies];
        const target = `${url}/v1/traces`;
        const { perSecond } = await load({
          script: 'post-bodies.lua',
          args,
          url: target,
          connections: CALLS,
          seconds: SECONDS,
        });
        return perSecond * SPANS;
      };
    const peer = stack.use(await receivingBy('http'));
    const ours = stack.use(await startCollector({ amqpUrl: NO_BROKER }));
    const owned = stack.move();
    return { ours: measure(ours.url), peer: measure(peer.url), [Symbol.asyncDispose]: () => owned.disposeAsync() };
  },
};

/** The same over OTLP/gRPC. The client is written in Go, like the peer. */
export const intakeGrpc: Row = {
  name: 'intake-grpc',
  unit: 'spans/s',
  target: 1,
  async start() {
    await using stack = new AsyncDisposableStack();
    const bodies = await requestFiles(stack);
    const measure =
      (address: string): Measure =>
      async () =>
        (await grpcLoad(address, bodies)) * SPANS;
    const peer = stack.use(await receivingBy('grpc'));
    const ours = stack.use(await startCollector({ amqpUrl: NO_BROKER }));
    const owned = stack.move();
    return {
      ours: measure(`127.0.0.1:${ours.grpcPort}`),
      peer: measure(new URL(peer.url).host),
      [Symbol.asyncDispose]: () => owned.disposeAsync(),
    };
  },
};

/** Never used: spans that are no events are not published. */
const NO_BROKER = 'amqp://127.0.0.1:1';

function receivingBy(protocol: 'http' | 'grpc'): Promise<OtelCollector> {
  return startOtelCollector(({ otlpPort }) => ({
    receivers: { otlp: { protocols: { [protocol]: { endpoint: `127.0.0.1:${otlpPort}` } } } },
    exporters: { debug: { verbosity: 'basic' } },
    service: { pipelines: { traces: { receivers: ['otlp'], exporters: ['debug'] } } },
  }));
}

/** Calls answered per second. @throws Error if one failed */
async function grpcLoad(address: string, bodies: readonly string[]): Promise<number> {
  const args = ['load', address, String(SECONDS), String(CALLS), ...bodies];
  const { stdout, stderr } = await promisify(execFile)(toolPath('go-sender'), args);
  const report = JSON.parse(stdout) as { requests: number; durationUs: number; failed: number };
  if (report.failed > 0)
    throw new Error(`${address}: ${report.failed} calls failed, of ${report.requests + report.failed}: ${stderr}`);
  return (report.requests * 1e6) / report.durationUs;
}
