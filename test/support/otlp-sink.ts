import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { gunzipSync } from 'node:zlib';
import { attributeViolations, metricViolations, recordViolations } from './registry-check.ts';

/** The parts of a span in OTLP's JSON encoding that tests read. */
export interface SunkSpan {
  readonly name: string;
  readonly kind: number;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly attributes: readonly OtlpAttribute[];
  readonly links: readonly { readonly traceId: string; readonly spanId: string }[];
}

interface OtlpAttribute {
  readonly key: string;
  readonly value: {
    readonly stringValue?: string;
    readonly intValue?: number | string;
    readonly doubleValue?: number;
    readonly boolValue?: boolean;
  };
}

/** The parts of a log record in OTLP's JSON encoding that tests read. */
export interface SunkLog {
  readonly eventName?: string;
  readonly traceId?: string;
  readonly spanId?: string;
  readonly attributes: readonly OtlpAttribute[];
}

interface OtlpPoint {
  readonly attributes: readonly OtlpAttribute[];
  readonly asDouble?: number;
  readonly asInt?: number | string;
  readonly count?: number | string;
}

interface OtlpMetric {
  readonly name: string;
  readonly sum?: { readonly dataPoints: readonly OtlpPoint[] };
  readonly gauge?: { readonly dataPoints: readonly OtlpPoint[] };
  readonly histogram?: { readonly dataPoints: readonly OtlpPoint[] };
}

interface OtlpBody {
  readonly resourceSpans?: readonly { readonly scopeSpans: readonly { readonly spans: readonly SunkSpan[] }[] }[];
  readonly resourceLogs?: readonly { readonly scopeLogs: readonly { readonly logRecords: readonly SunkLog[] }[] }[];
  readonly resourceMetrics?: readonly {
    readonly resource: { readonly attributes: readonly OtlpAttribute[] };
    readonly scopeMetrics: readonly { readonly metrics: readonly OtlpMetric[] }[];
  }[];
}

/**
 * An OTLP/HTTP receiver for programs that send JSON; it accepts everything. Its disposal fails if anything was sent that
 * docs/registry/ does not define.
 */
export interface OtlpSink extends AsyncDisposable {
  readonly url: string;
  /** Requests in order of arrival. */
  readonly requests: readonly { readonly path: string; readonly traceparent: string | undefined }[];
  spans(name: string): readonly SunkSpan[];
  /** Spans and log records of a trace. */
  trace(traceId: string): { readonly spans: readonly SunkSpan[]; readonly logs: readonly SunkLog[] };
  /** Latest value of a metric by name and attributes (a histogram's count); undefined before the first. */
  value(name: string, attributes?: Readonly<Record<string, string>>): number | undefined;
  /** Resource attributes of the latest metrics. */
  resource(): Readonly<Record<string, string>>;
}

/** Starts a receiver on a free port of 127.0.0.1. */
export async function startOtlpSink(): Promise<OtlpSink> {
  const requests: { path: string; traceparent: string | undefined }[] = [];
  const spans: SunkSpan[] = [];
  const logs: SunkLog[] = [];
  const violations = new Set<string>();
  let metrics: OtlpBody['resourceMetrics'] = [];
  async function receive(request: IncomingMessage): Promise<void> {
    const body = await read(request);
    requests.push({ path: request.url ?? '', traceparent: request.headers['traceparent']?.toString() });
    const sentSpans = (body.resourceSpans ?? []).flatMap((one) => one.scopeSpans.flatMap((scope) => scope.spans));
    const sentLogs = (body.resourceLogs ?? []).flatMap((one) => one.scopeLogs.flatMap((scope) => scope.logRecords));
    for (const { attributes } of sentSpans) for (const one of attributeViolations(attributes)) violations.add(one);
    for (const { eventName, attributes } of sentLogs)
      for (const one of recordViolations(eventName, attributes)) violations.add(one);
    for (const one of body.resourceMetrics ?? [])
      for (const metric of one.scopeMetrics.flatMap((scope) => scope.metrics))
        for (const violation of metricViolations(metric)) violations.add(violation);
    spans.push(...sentSpans);
    logs.push(...sentLogs);
    if (body.resourceMetrics !== undefined) metrics = body.resourceMetrics;
  }
  const server = createServer((request, response) => {
    receive(request).then(
      () => response.setHeader('content-type', 'application/json').end('{}'),
      () => response.writeHead(400).end(),
    );
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no TCP port was given');
  return {
    url: `http://127.0.0.1:${address.port}`,
    requests,
    spans: (name) => spans.filter((span) => span.name === name),
    trace: (traceId) => ({
      spans: spans.filter((span) => span.traceId === traceId),
      logs: logs.filter((log) => log.traceId === traceId),
    }),
    value(name, attributes = {}) {
      const all = (metrics ?? []).flatMap((one) => one.scopeMetrics.flatMap((scope) => scope.metrics));
      const metric = all.find((one) => one.name === name);
      const points = metric?.sum?.dataPoints ?? metric?.gauge?.dataPoints ?? metric?.histogram?.dataPoints ?? [];
      const point = points.find((one) => {
        const has = attributesOf(one.attributes);
        return Object.entries(attributes).every(([key, value]) => has[key] === value);
      });
      return point === undefined ? undefined : Number(point.asDouble ?? point.asInt ?? point.count);
    },
    resource: () => attributesOf(metrics?.[0]?.resource.attributes ?? []),
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
      if (violations.size > 0)
        throw new Error(`What was sent is not what docs/registry/ says: ${[...violations].join('; ')}`);
    },
  };
}

/** Scalar attributes by name, as text. */
export function attributesOf(attributes: readonly OtlpAttribute[]): Record<string, string> {
  return Object.fromEntries(
    attributes.map(({ key, value }) => [
      key,
      String(value.stringValue ?? value.intValue ?? value.doubleValue ?? value.boolValue ?? ''),
    ]),
  );
}

async function read(request: IncomingMessage): Promise<OtlpBody> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  const body = Buffer.concat(chunks);
  return JSON.parse((request.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body).toString()) as OtlpBody;
}
