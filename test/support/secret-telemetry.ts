import { randomBytes } from 'node:crypto';
import { eventSchemas, EVENT_TYPES, type EventType } from '../../taxonomy/event-types.ts';
import { ATTRIBUTE_OF_FIELD } from '../../taxonomy/attributes.ts';
import type { Canaries } from './canaries.ts';
import type { SecretRequest } from './secret-requests.ts';

/** An attribute's value before encoding. */
type Value = string | number | boolean | readonly string[] | { readonly [key: string]: Value };
type Values = Readonly<Record<string, Value | undefined>>;

/** Attributes in OTLP/JSON. */
export function attributes(values: Values): readonly object[] {
  return Object.entries(values)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => ({ key, value: anyValue(value ?? '') }));
}

function anyValue(value: Value): object {
  if (typeof value === 'string') return { stringValue: value };
  if (typeof value === 'boolean') return { boolValue: value };
  if (typeof value === 'number') return Number.isInteger(value) ? { intValue: String(value) } : { doubleValue: value };
  if (isList(value)) return { arrayValue: { values: value.map((item) => anyValue(item)) } };
  return { kvlistValue: { values: attributes(value) } };
}

const isList = (value: Value): value is readonly string[] => Array.isArray(value);

const nowNano = (): string => `${Date.now()}000000`;
const hex = (bytes: number): string => randomBytes(bytes).toString('hex');
const spans = (all: readonly object[]): object => ({ resourceSpans: [{ scopeSpans: [{ spans: all }] }] });
const logs = (all: readonly object[], resource: Values = {}): object => ({
  resourceLogs: [{ resource: { attributes: attributes(resource) }, scopeLogs: [{ logRecords: all }] }],
});

function headerAttributes(side: 'request' | 'response', headers: Readonly<Record<string, string>>): Values {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [`http.${side}.header.${name.toLowerCase()}`, [value]]),
  );
}

const absolute = (target: string): string => new URL(target, 'https://clowder.example').href;

/** The forms in which telemetry describes requests, apart from our own instrumentation: the body of a POST to `/v1/…`. */
export const REQUEST_FORMS: Readonly<
  Record<string, { readonly path: string; readonly body: (requests: readonly SecretRequest[]) => object }>
> = {
  'span of today': { path: '/v1/traces', body: (requests) => spans(requests.map((one) => span(one, newNames(one)))) },
  'span of long ago': {
    path: '/v1/traces',
    body: (requests) => spans(requests.map((one) => span(one, oldNames(one)))),
  },
  'span that waits': {
    path: '/v1/traces',
    body: (requests) => spans(requests.map((one) => ({ ...span(one, newNames(one)), traceState: 'clowder=captured' }))),
  },
  'access log': {
    path: '/v1/logs',
    body: (requests) => logs(requests.map((one) => ({ ...record(newNames(one)), body: { stringValue: line(one) } }))),
  },
  'access log of a parser': {
    path: '/v1/logs',
    body: (requests) =>
      logs(requests.map((one) => ({ ...record(oldNames(one)), body: anyValue({ line: line(one) }) }))),
  },
};

function span(request: SecretRequest, values: Values): object {
  return {
    traceId: hex(16),
    spanId: hex(8),
    name: `${request.method} ${request.target}`,
    kind: 2,
    startTimeUnixNano: nowNano(),
    endTimeUnixNano: nowNano(),
    attributes: attributes(values),
    status: { code: 2, message: `${request.target} failed` },
    events: [
      {
        name: 'exception',
        timeUnixNano: nowNano(),
        attributes: attributes({ 'exception.message': `${request.method} ${request.target} failed` }),
      },
    ],
  };
}

const record = (values: Values): object => ({ timeUnixNano: nowNano(), attributes: attributes(values) });
const line = ({ method, target, answer }: SecretRequest): string => `"${method} ${target} HTTP/1.1" ${answer.status}`;

function newNames({ method, target, headers, answer, agent }: SecretRequest): Values {
  const url = new URL(target, 'https://clowder.example');
  return {
    'http.request.method': method,
    'url.scheme': 'https',
    'server.address': 'clowder.example',
    'url.path': url.pathname,
    'url.query': url.search.slice(1),
    'http.response.status_code': answer.status,
    'user_agent.original': agent,
    'client.address': '192.0.2.7',
    ...headerAttributes('request', headers),
    ...headerAttributes('response', answer.headers),
  };
}

function oldNames({ method, target, headers, answer, agent }: SecretRequest): Values {
  return {
    'http.method': method,
    'http.target': target.startsWith('/') ? target : undefined,
    'http.url': absolute(target),
    'http.status_code': answer.status,
    'http.user_agent': agent,
    'http.client_ip': '192.0.2.7',
    'http.request.header.referer': headers['referer'],
    'http.request.header.sec_fetch_mode': headers['sec-fetch-mode'],
  };
}

/** Free text with a secret of each kind, in the forms in which programs print them. */
export function secretText(canaries: Canaries, where: string): string {
  const token = (what: string): string => canaries.token(`${what} (${where})`);
  const basic = canaries.alias(`Basic (${where})`, Buffer.from(`me:${token('Basic')}`).toString('base64'));
  return [
    `GET https://clowder.example/api/files/1?page=2&key=${token('key in a URL')} failed with 403`,
    `url=/api/files?key=${token('key in a bare URL')}`,
    `(key=${token('key in brackets')}) [token=${token('token in square brackets')}] <secret=${token('secret in angles')}>`,
    `Authorization: Bearer ${token('Bearer')}`,
    `Authorization: Basic ${basic}`,
    `curl -H 'X-API-Key: ${token('X-API-Key')}' -H "Cookie: id=${token('cookie')}; other=${token('second cookie')}"`,
    `{"secretKey":"${token('secretKey')}","password": "${token('password with')} ${token('blank')}","id":1}`,
    `{\\"apiKey\\":\\"${token('escaped key')}\\"}`,
    `{'key': '${token('key of Python')}', 'Authorization': 'Bearer ${token('Bearer of Python')}'}`,
    `queue private.${token('key of an extractor')}.ncsa.image and error.private.${token('key of a queue')}.ncsa.image.`,
    `connect https://me:${token('user info')}@clowder.example/ or amqp://clowder:${token('AMQP password')}@rabbitmq`,
    `see /signup/${token('sign-up')} or /clowder/reset/${token('reset')} or /files/links/${canaries.id(`share link (${where})`)}`,
    `PUT http://minio/b?X-Amz-Credential=${token('X-Amz-Credential')}&X-Amz-Signature=${token('X-Amz-Signature')}`,
    `GET /authenticate/github?code=${token('code')}&state=${token('state')} gave 303`,
    `to /login?next=%2Ffiles%3Fkey%3D${token('key in a nested URL')}`,
    `client_secret=${token('client_secret')}, access_token: ${token('access_token')}`,
  ].join('\n');
}

/** Event fields that hold URLs or text, each with secrets. */
function secretFields(canaries: Canaries, where: string): Readonly<Record<string, string>> {
  const token = (what: string): string => canaries.token(`${what} (${where})`);
  return {
    url: `https://me:${token('url: user info')}@clowder.example/reset/${token('url: path')}?key=${token('url: key')}#access_token=${token('url: fragment')}`,
    referrer: `https://clowder.example/?a=1&KEY=${token('referrer: key')}&code=${token('referrer: code')}`,
    target: `https://clowder:${token('target: user info')}@clowder.example/healthz?token=${token('target: token')}`,
    message: secretText(canaries, `${where}, message`),
    error: secretText(canaries, `${where}, error`),
    status: `StatusMessage.error: 401 for /api/files?key=${token('status: key')}`,
    extractor_name: `private.${token('extractor_name')}.ncsa.image`,
  };
}

const ENOUGH: Readonly<Record<string, string | number | boolean>> = {
  file_id: '5f1e00000000000000000001',
  resource_id: '5f1e00000000000000000001',
  resource_type: 'file',
  user_id: 'u1',
  view_id: 'v1',
  healthy: false,
  window_start: 1,
  window_end: 2,
  requests: 3,
};

/** A complete event of each type by its data fields, with a secret in every text field that the type accepts. */
export function secretEvents(
  canaries: Canaries,
  where: string,
): readonly { readonly type: EventType; readonly data: Readonly<Record<string, string | number | boolean>> }[] {
  return EVENT_TYPES.map((type) => {
    const data = { ...ENOUGH, ...secretFields(canaries, `${type} ${where}`) };
    const takes = (field: string): boolean => Object.hasOwn(eventSchemas[type].shape, field);
    return { type, data: Object.fromEntries(Object.entries(data).filter(([field]) => takes(field))) };
  });
}

/** Data fields under their attribute names. */
function asAttributes(data: Readonly<Record<string, string | number | boolean>>): Values {
  const names: Readonly<Record<string, string>> = ATTRIBUTE_OF_FIELD;
  return Object.fromEntries(Object.entries(data).map(([field, value]) => [names[field] ?? field, value]));
}

type Events = ReturnType<typeof secretEvents>;

/** The forms in which telemetry states events. */
export const EVENT_FORMS: Readonly<
  Record<string, { readonly path: string; readonly body: (events: Events) => object }>
> = {
  'log records': {
    path: '/v1/logs',
    body: (events) =>
      logs(events.map(({ type, data }) => ({ ...record(asAttributes(data)), eventName: `clowder.${type}` }))),
  },
  'log records with a body': {
    path: '/v1/logs',
    body: (events) =>
      logs(events.map(({ type, data }) => ({ ...record({}), body: anyValue(data), eventName: `clowder.${type}` }))),
  },
  'span events': {
    path: '/v1/traces',
    body: (events) =>
      spans([
        {
          traceId: hex(16),
          spanId: hex(8),
          name: 'work',
          kind: 1,
          startTimeUnixNano: nowNano(),
          endTimeUnixNano: nowNano(),
          events: events.map(({ type, data }) => ({
            name: `clowder.${type}`,
            timeUnixNano: nowNano(),
            attributes: attributes(asAttributes(data)),
          })),
        },
      ]),
  },
};

/** Log records that state events but can never be accepted, with secrets in the parts that are kept. */
export function hopelessRecords(canaries: Canaries): object {
  const where = 'rejected';
  const token = (what: string): string => canaries.token(`${what} (${where})`);
  const wrong = secretEvents(canaries, where).map(({ type, data }) => ({
    timeUnixNano: nowNano(),
    eventName: `clowder.${type}`,
    attributes: attributes({
      ...asAttributes(data),
      'clowder.bytes': 'many',
      'clowder.file.id': '',
      'client.address': '192.0.2.7',
    }),
    body: anyValue({
      created: 'never',
      event_id: '',
      key: token('key as a field'),
      password: token('password as a field'),
      headers: { authorization: token('Authorization as a field'), cookie: `id=${token('cookie as a field')}` },
      list: [`token=${token('token in a list')}`],
      request: { url: `/api/files?key=${token('key in a nested field')}` },
      bytes: `key=${token('key for a number')}`,
    }),
  }));
  const unknown = {
    ...record({ 'url.full': `https://clowder.example/?key=${token('key of an unknown type')}` }),
    eventName: `clowder.file.stolen?key=${token('key in the name of a type')}`,
  };
  return logs([...wrong, unknown], {
    'clowder.instance': 'test',
    'process.command_args': [`--key=${token('key in command_args')}`],
  });
}

/** Health readings with secrets in target and error. */
export function secretMetrics(canaries: Canaries): object {
  const token = (what: string): string => canaries.token(`${what} (metrics)`);
  // The same for all: points of one target at one time are one reading.
  const timeUnixNano = nowNano();
  const point = (values: Values, value = 1): object => ({
    timeUnixNano,
    asInt: String(value),
    attributes: attributes(values),
  });
  const url = `https://me:${token('user info')}@clowder.example/healthz?key=${token('key')}`;
  const metrics = [
    {
      name: 'httpcheck.status',
      sum: { dataPoints: [point({ 'http.url': url, 'http.status_code': 503, 'http.status_class': '2xx' }, 0)] },
    },
    {
      name: 'httpcheck.error',
      sum: { dataPoints: [point({ 'http.url': url, 'error.message': secretText(canaries, 'httpcheck.error') })] },
    },
    {
      name: 'clowder.health.up',
      gauge: {
        dataPoints: [point({ 'clowder.health.target': `amqp://guest:${token('AMQP password')}@rabbitmq:5672` })],
      },
    },
  ];
  return { resourceMetrics: [{ scopeMetrics: [{ metrics }] }] };
}
