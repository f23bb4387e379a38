import { CLIENT, USER_AGENT, type SeenRequest } from './requests.ts';

/** OTLP attributes, limited to the two kinds of values that these senders send. */
type Attributes = Readonly<Record<string, string | number>>;

export interface SentSpan {
  /** SERVER 2, INTERNAL 1, CLIENT 3. */
  readonly kind: 1 | 2 | 3;
  readonly name: string;
  readonly attributes: Attributes;
}

/** A program that reports requests as spans, in its own terms. */
export interface SpanSender {
  readonly scope: string;
  /** The spans of one request, the server's first. */
  readonly spans: (request: SeenRequest) => readonly SentSpan[];
}

const HOST = 'clowder.example.org';
const targetOf = ({ path, query }: SeenRequest): string => (query === '' ? path : `${path}?${query}`);
const urlOf = (request: SeenRequest): string => `https://${HOST}${targetOf(request)}`;

/** Attributes of the HTTP conventions before 1.23, as Python's ASGI instrumentation sets them. */
const asgiBefore = (request: SeenRequest): Attributes => ({
  'http.scheme': 'http',
  'http.host': '10.0.0.2:8000',
  'net.host.port': 8000,
  'http.flavor': '1.1',
  'http.target': request.path,
  'http.url': `http://${HOST}${targetOf(request)}`,
  'http.method': request.method,
  'http.server_name': HOST,
  'http.user_agent': USER_AGENT,
  'net.peer.ip': CLIENT,
  'net.peer.port': 50_124,
  'http.status_code': request.status,
});

/** The same for the conventions since 1.23 (`OTEL_SEMCONV_STABILITY_OPT_IN=http`). */
const asgiSince = (request: SeenRequest): Attributes => ({
  'url.scheme': 'http',
  'server.address': '10.0.0.2:8000',
  'server.port': 8000,
  'network.protocol.version': '1.1',
  'url.path': request.path,
  ...(request.query !== '' && { 'url.query': request.query }),
  'http.request.method': request.method,
  'user_agent.original': USER_AGENT,
  'client.address': CLIENT,
  'client.port': 50_124,
  'http.response.status_code': request.status,
});

/** FastAPI's instrumentation: the request's span, and one for each ASGI message of the answer. */
const fastApi = (attributes: (request: SeenRequest) => Attributes): SpanSender => ({
  scope: 'opentelemetry.instrumentation.fastapi',
  spans: (request) => [
    { kind: 2, name: `${request.method} ${request.path}`, attributes: attributes(request) },
    {
      kind: 1,
      name: `${request.method} ${request.path} http send`,
      attributes: {
        'asgi.event.type': 'http.response.start',
        'http.status_code': request.status,
        'http.response.status_code': request.status,
      },
    },
  ],
});

/** Modelled on each program's documentation or source code for the attributes; the values are ours. */
export const SPAN_SENDERS = {
  // github.com/nginxinc/nginx-otel: the conventions before 1.23; spans are named after the location.
  'NGINX, ngx_otel_module': {
    scope: 'nginx',
    spans: (request) => [
      {
        kind: 2,
        name: '/',
        attributes: {
          'http.method': request.method,
          'http.target': targetOf(request),
          'http.route': '/',
          'http.scheme': 'https',
          'http.flavor': '1.1',
          'http.user_agent': USER_AGENT,
          'http.request_content_length': 0,
          'http.response_content_length': request.responseBytes,
          'http.status_code': request.status,
          'net.host.name': HOST,
          'net.sock.peer.addr': CLIENT,
          'net.sock.peer.port': 50_124,
        },
      },
    ],
  },
  // envoyproxy.io, "Tracing": its own tags, all as text; the upstream request is a client span.
  Envoy: {
    scope: 'envoy',
    spans: (request) => {
      const tags = {
        component: 'proxy',
        'http.protocol': 'HTTP/1.1',
        'http.status_code': String(request.status),
        response_flags: '-',
        upstream_cluster: 'clowder',
        'upstream_cluster.name': 'clowder',
        'peer.address': CLIENT,
      };
      return [
        {
          kind: 2,
          name: 'ingress',
          attributes: {
            ...tags,
            node_id: 'gateway',
            zone: '',
            'guid:x-request-id': '0b0bd1ee-26e1-9ac5-8a5c-3d2a4a1f3a0c',
            'http.url': urlOf(request),
            'http.method': request.method,
            downstream_cluster: '-',
            user_agent: USER_AGENT,
            request_size: '0',
            response_size: String(request.responseBytes),
          },
        },
        { kind: 3, name: 'router clowder egress', attributes: { ...tags, upstream_address: '10.0.0.2:8000' } },
      ];
    },
  },
  // doc.traefik.io, "Tracing": an entry point, with router, service and upstream request below it.
  'Traefik 3': {
    scope: 'github.com/traefik/traefik',
    spans: (request) => [
      {
        kind: 2,
        name: request.method,
        attributes: {
          entry_point: 'websecure',
          'http.request.method': request.method,
          'network.protocol.version': '1.1',
          'http.request.body.size': 0,
          'url.path': request.path,
          'url.query': request.query,
          'url.scheme': 'https',
          'user_agent.original': USER_AGENT,
          'server.address': HOST,
          'client.address': CLIENT,
          'client.port': 50_124,
          'network.peer.address': CLIENT,
          'network.peer.port': 50_124,
          'http.response.status_code': request.status,
        },
      },
      {
        kind: 1,
        name: 'Router',
        attributes: { 'traefik.router.name': 'clowder@docker', 'http.route': 'PathPrefix(`/`)' },
      },
      {
        kind: 3,
        name: request.method,
        attributes: {
          'http.request.method': request.method,
          'url.full': `http://10.0.0.2:8000${targetOf(request)}`,
          'url.scheme': 'http',
          'user_agent.original': USER_AGENT,
          'server.address': '10.0.0.2',
          'http.response.status_code': request.status,
        },
      },
    ],
  },
  'Python, FastAPI, conventions before 1.23': fastApi(asgiBefore),
  'Python, FastAPI, conventions since 1.23': fastApi(asgiSince),
  'Python, FastAPI, both at once (http/dup)': fastApi((request) => ({ ...asgiBefore(request), ...asgiSince(request) })),
} as const satisfies Readonly<Record<string, SpanSender>>;

/** An ExportTraceServiceRequest in JSON, with a separate trace for each request. */
export function exportOf(
  { scope, spans }: SpanSender,
  requests: readonly SeenRequest[],
  traceId: (index: number) => string,
): object {
  const nowNs = BigInt(Date.now()) * 1_000_000n;
  return {
    resourceSpans: [
      {
        resource: { attributes: [{ key: 'service.name', value: { stringValue: 'clowder' } }] },
        scopeSpans: [
          {
            scope: { name: scope },
            spans: requests.flatMap((request, index) =>
              spans(request).map((span, at) => ({
                traceId: traceId(index),
                spanId: `${String(index).padStart(8, '0')}${String(at + 1).padStart(8, '0')}`,
                name: span.name,
                kind: span.kind,
                startTimeUnixNano: String(nowNs),
                endTimeUnixNano: String(nowNs + 12_000_000n),
                attributes: Object.entries(span.attributes).map(([key, value]) => ({
                  key,
                  value: typeof value === 'number' ? { intValue: String(value) } : { stringValue: value },
                })),
              })),
            ),
          },
        ],
      },
    ],
  };
}
