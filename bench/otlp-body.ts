import { randomBytes } from 'node:crypto';

/** A span of the benchmark: OTLP kind number, name, attributes. */
export interface BenchSpan {
  readonly kind: number;
  readonly name: string;
  readonly attributes: Readonly<Record<string, string | number>>;
}

const VARINT = 0;
const FIXED64 = 1;
const BYTES = 2;

function varint(value: number): Buffer {
  const encoded: number[] = [];
  let rest = value;
  while (rest > 127) {
    encoded.push((rest % 128) + 128);
    rest = Math.floor(rest / 128);
  }
  encoded.push(rest);
  return Buffer.from(encoded);
}

function bytes(field: number, value: Buffer | string): Buffer {
  const content = typeof value === 'string' ? Buffer.from(value) : value;
  return Buffer.concat([varint(field * 8 + BYTES), varint(content.length), content]);
}

function number(field: number, value: number): Buffer {
  return Buffer.concat([varint(field * 8 + VARINT), varint(value)]);
}

function nanoseconds(field: number, ms: number): Buffer {
  const value = Buffer.alloc(8);
  value.writeBigUInt64LE(BigInt(ms) * 1_000_000n);
  return Buffer.concat([varint(field * 8 + FIXED64), value]);
}

function attribute(field: number, key: string, value: string | number): Buffer {
  const any = typeof value === 'string' ? bytes(1, value) : number(3, value);
  return bytes(field, Buffer.concat([bytes(1, key), bytes(2, any)]));
}

function attributes(field: number, values: Readonly<Record<string, string | number>>): Buffer[] {
  return Object.entries(values).map(([key, value]) => attribute(field, key, value));
}

/**
 * An ExportTraceServiceRequest in protobuf (opentelemetry-proto, trace.proto): one resource, one scope, and the spans, each in
 * its own trace and ending now.
 */
export function traceRequest(spans: readonly BenchSpan[]): Buffer {
  const now = Date.now();
  const encoded = spans.map((span) =>
    bytes(
      2,
      Buffer.concat([
        bytes(1, randomBytes(16)),
        bytes(2, randomBytes(8)),
        bytes(4, randomBytes(8)),
        bytes(5, span.name),
        number(6, span.kind),
        nanoseconds(7, now - 5),
        nanoseconds(8, now),
        ...attributes(9, span.attributes),
      ]),
    ),
  );
  const resource = Buffer.concat(attributes(1, { 'service.name': 'clowder', 'telemetry.sdk.language': 'python' }));
  const scope = Buffer.concat([bytes(1, 'bench'), bytes(2, '1.0.0')]);
  return bytes(1, Buffer.concat([bytes(1, resource), bytes(2, Buffer.concat([bytes(1, scope), ...encoded]))]));
}

/** A download from Clowder v1: one event, with its own trace and file. */
export function download(): BenchSpan {
  const id = randomBytes(12).toString('hex');
  return {
    kind: 2,
    name: 'GET /api/files/:id/blob',
    attributes: {
      'http.request.method': 'GET',
      'http.response.status_code': 200,
      'http.response.body.size': 104_857,
      'http.route': '/api/files/:id/blob',
      'url.path': `/api/files/${id}/blob`,
      'url.scheme': 'https',
      'server.address': 'clowder.example.org',
      'server.port': 443,
      'client.address': '192.0.2.17',
      'user_agent.original': 'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0',
      'network.protocol.version': '1.1',
    },
  };
}
