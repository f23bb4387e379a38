import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fileURLToPath } from 'node:url';
import { startCollector, type CollectorProcess } from '../support/collector-process.ts';
import { startOtelCollector, type OtelCollector } from '../support/otel-collector.ts';
import { freePort, startProcess } from '../support/processes.ts';
import { eventsOf, requestsOf, USER_AGENT, type SeenEvent, type SeenRequest } from '../support/senders/requests.ts';
import { exportOf, SPAN_SENDERS, type SpanSender } from '../support/senders/spans.ts';
import { toolPath } from '../support/tools.ts';
import { waitFor } from '../support/wait-for.ts';

// Third-party programs as they are: only the address is ours.

const SERVERS = fileURLToPath(new URL('../fixtures/servers', import.meta.url));

let collector: CollectorProcess;
let senders = 0;

beforeAll(async () => {
  collector = await startCollector({ amqpUrl: 'amqp://127.0.0.1:1' });
});
afterAll(() => collector.stop());

/** One number for each sender, so that its requests are about its own resources. */
const nextRequests = (): readonly SeenRequest[] => requestsOf((senders += 1));

async function history(): Promise<readonly SeenEvent[]> {
  const answer = await fetch(`${collector.url}/api/v1/events?limit=1000&order=asc`);
  expect(answer.status).toBe(200);
  return ((await answer.json()) as { events: readonly SeenEvent[] }).events;
}

/** The events of what was sent, once there are ten and `finish` has sent the rest. */
async function eventsAfter(send: () => Promise<unknown>, finish: () => Promise<unknown> = async () => undefined) {
  const before = (await history()).length;
  await send();
  await waitFor(async () => (await history()).length >= before + 10, { what: 'ten events' });
  await finish();
  const found = (await history()).slice(before);
  return found.toSorted((one, other) => placeOf(one) - placeOf(other));
}

/** Senders do not keep the order of requests, so events are ordered by their resources, whose ids count up. */
const placeOf = ({ resource_id: id, url }: SeenEvent & { readonly url?: string }): number =>
  Number((id ?? url ?? '').slice(-2)) % 13;

const expected = (requests: readonly SeenRequest[], tellsQuery = true): readonly SeenEvent[] =>
  eventsOf(requests, tellsQuery).toSorted((one, other) => placeOf(one) - placeOf(other));

async function ask(url: string, requests: readonly SeenRequest[]): Promise<void> {
  for (const { method, path, query, status } of requests) {
    const headers = { 'user-agent': USER_AGENT, 'x-answer-status': String(status) };
    const answer = await fetch(`${url}${path}${query === '' ? '' : `?${query}`}`, { method, headers });
    expect(answer.status).toBe(status);
    await answer.arrayBuffer();
  }
}

/** A server with an OpenTelemetry SDK, configured only by its environment. */
async function serverWith(command: string, args: readonly string[], env: Readonly<Record<string, string>>) {
  const running = await startProcess(command, [...args], {
    env: { OTEL_SERVICE_NAME: 'clowder', OTEL_BSP_SCHEDULE_DELAY: '200', ...env },
    ready: (output) => output.includes('listening on '),
  });
  return { running, url: `http://127.0.0.1:${/listening on (\d+)/.exec(running.output())?.[1]}` };
}

const endpointOf = (protocol: string): string =>
  protocol === 'grpc' ? `http://127.0.0.1:${collector.grpcPort}` : collector.url;

const node = (): [string, string[]] => [
  process.execPath,
  ['--import', `${SERVERS}/sdk-defaults.mjs`, `${SERVERS}/answers-as-told.mjs`],
];
const go = (): [string, string[]] => [toolPath('go-sender'), []];

describe('a server with the SDK', () => {
  test.each([
    ['JavaScript', 'http/protobuf', 'none', node, true],
    ['JavaScript', 'http/json', 'gzip', node, true],
    ['JavaScript', 'grpc', 'none', node, true],
    ['JavaScript', 'grpc', 'gzip', node, true],
    // otelhttp does not report queries.
    ['Go', 'http/protobuf', 'none', go, false],
    ['Go', 'http/protobuf', 'gzip', go, false],
    ['Go', 'grpc', 'none', go, false],
    ['Go', 'grpc', 'gzip', go, false],
  ] as const)(
    'for %s, by %s, compression %s, produces the event of each of ten requests',
    async (_, protocol, compression, how, tellsQuery) => {
      const requests = nextRequests();
      const { running, url } = await serverWith(...how(), {
        OTEL_EXPORTER_OTLP_ENDPOINT: endpointOf(protocol),
        OTEL_EXPORTER_OTLP_PROTOCOL: protocol,
        ...(compression !== 'none' && { OTEL_EXPORTER_OTLP_COMPRESSION: compression }),
      });
      const events = await eventsAfter(
        () => ask(url, requests),
        () => running.kill(),
      );
      expect(events).toMatchObject(expected(requests, tellsQuery));
    },
  );
});

const trace = (sender: number) => (index: number) =>
  `0af7651916cd43dd8448eb21${String(sender).padStart(4, '0')}${String(index).padStart(4, '0')}`;

async function post(url: string, sender: SpanSender, requests: readonly SeenRequest[]): Promise<void> {
  const answer = await fetch(`${url}/v1/traces`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(exportOf(sender, requests, trace(senders))),
  });
  expect(answer.status).toBe(200);
}

test.each(Object.entries<SpanSender>(SPAN_SENDERS))(
  'the spans of %s produce the event of each of ten requests',
  async (_, sender) => {
    const requests = nextRequests();
    expect(await eventsAfter(() => post(collector.url, sender, requests))).toMatchObject(expected(requests));
  },
);

describe('the OTel Collector', () => {
  const TAKEN = [
    'http none',
    'http gzip',
    'http zstd',
    'http deflate',
    'http zlib',
    'grpc none',
    'grpc gzip',
    'grpc zstd',
  ];
  const REFUSED = ['http snappy', 'http x-snappy-framed', 'http lz4', 'grpc snappy'];
  const ports = new Map<string, number>();
  let otel: OtelCollector;

  /** One pipeline for each way to send, each with its own port. */
  beforeAll(async () => {
    for (const way of [...TAKEN, ...REFUSED]) ports.set(way, await freePort());
    const named = (way: string): string => way.replaceAll(' ', '_');
    const ways = [...ports].map(([way, port]) => {
      const [protocol = '', compression = ''] = way.split(' ');
      const retry = { retry_on_failure: { enabled: false }, sending_queue: { enabled: false } };
      return {
        receiver: [`otlp/${named(way)}`, { protocols: { http: { endpoint: `127.0.0.1:${port}` } } }] as const,
        exporter: [
          `otlp_${protocol}/${named(way)}`,
          protocol === 'http'
            ? { endpoint: collector.url, compression, ...retry }
            : { endpoint: `127.0.0.1:${collector.grpcPort}`, tls: { insecure: true }, compression, ...retry },
        ] as const,
        way: named(way),
      };
    });
    otel = await startOtelCollector(() => ({
      receivers: Object.fromEntries(ways.map(({ receiver }) => receiver)),
      exporters: Object.fromEntries(ways.map(({ exporter }) => exporter)),
      service: {
        pipelines: Object.fromEntries(
          ways.map(({ way, receiver, exporter }) => [
            `traces/${way}`,
            { receivers: [receiver[0]], exporters: [exporter[0]] },
          ]),
        ),
      },
    }));
  });
  afterAll(() => otel.stop());

  test.each(TAKEN)('delivers ten events by %s', async (way) => {
    const requests = nextRequests();
    const events = await eventsAfter(() =>
      post(`http://127.0.0.1:${ports.get(way)}`, SPAN_SENDERS['Traefik 3'], requests),
    );
    expect(events).toMatchObject(expected(requests));
  });

  test.each(REFUSED)('learns from a refusal of %s what would work', async (way) => {
    const answer = await fetch(`http://127.0.0.1:${ports.get(way)}/v1/traces`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(exportOf(SPAN_SENDERS['Traefik 3'], nextRequests(), trace(senders))),
    });
    // Without a queue, the exporter's error is the receiver's answer.
    expect(answer.ok).toBe(false);
    expect(await answer.text()).toMatch(/is not supported: send gzip, zstd, deflate, or no compression/);
  });
});

test('a gRPC client that calls the HTTP port is logged, with what to do', async () => {
  const { running, url } = await serverWith(...node(), {
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc',
  });
  await ask(url, nextRequests().slice(0, 1));
  await waitFor(() => collector.output().includes('A client speaks gRPC'), { what: 'the line in the log' });
  expect(collector.output()).toContain(
    `to port ${collector.port}, which takes OTLP/HTTP: send it to port ${collector.grpcPort}, or set OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf there`,
  );
  await running.kill();
});
