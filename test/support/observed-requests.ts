import { randomBytes } from 'node:crypto';

const HEX = (bytes: number): string => randomBytes(bytes).toString('hex');

/** A download seen by two observers: a server's span and a line in an access log. */
export interface ObservedRequest {
  readonly traceId: string;
  readonly spanId: string;
  readonly fileId: string;
  readonly atMs: number;
}

/** @param client first two hex digits of a trace id, the same for all requests of a client */
export const observedRequest = (client = HEX(1)): ObservedRequest => ({
  traceId: client + HEX(15),
  spanId: HEX(8),
  fileId: HEX(12),
  atMs: Date.now(),
});

type Attributes = Readonly<Record<string, string | number>>;

const attributes = (values: Attributes): readonly object[] =>
  Object.entries(values).map(([key, value]) => ({
    key,
    value: typeof value === 'number' ? { intValue: String(value) } : { stringValue: value },
  }));

const seen = ({ fileId }: ObservedRequest): Attributes => ({
  'http.request.method': 'GET',
  'url.path': `/api/files/${fileId}/blob`,
  'http.response.status_code': 200,
  'http.response.body.size': 1024,
  'client.address': '192.0.2.17',
  'user_agent.original': 'curl/8',
});

/** The server's observation, as OTLP/JSON. */
export const spansOf = (requests: readonly ObservedRequest[], traceState = ''): object => ({
  resourceSpans: [
    {
      resource: { attributes: attributes({ 'service.name': 'clowder' }) },
      scopeSpans: [
        {
          spans: requests.map((one) => ({
            traceId: one.traceId,
            spanId: one.spanId,
            traceState,
            name: 'GET /api/files/:id/blob',
            kind: 2,
            startTimeUnixNano: `${one.atMs}000000`,
            endTimeUnixNano: `${one.atMs + 5}000000`,
            attributes: attributes(seen(one)),
          })),
        },
      ],
    },
  ],
});

/** The access log's observation, as OTLP/JSON. */
export const linesOf = (requests: readonly ObservedRequest[]): object => ({
  resourceLogs: [
    {
      resource: { attributes: attributes({ 'service.name': 'nginx' }) },
      scopeLogs: [
        {
          logRecords: requests.map((one) => ({
            timeUnixNano: `${one.atMs + 5}000000`,
            traceId: one.traceId,
            spanId: one.spanId,
            body: { stringValue: 'GET' },
            attributes: attributes({ ...seen(one), 'http.server.request.duration': 0 }),
          })),
        },
      ],
    },
  ],
});

/** Sends OTLP/JSON. @returns whether all of it was accepted */
export async function sendOtlp(url: string, signal: 'traces' | 'logs', body: object): Promise<boolean> {
  try {
    const response = await fetch(`${url}/v1/${signal}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    await response.arrayBuffer();
    return response.ok;
  } catch {
    return false;
  }
}
