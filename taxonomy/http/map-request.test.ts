import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Answer, Meaning } from '../../test/clowder/route-facts.ts';
import { routeRows, type RouteRow } from '../../test/clowder/routes.ts';
import { eventSchemas } from '../event-types.ts';
import { mapHttpRequest } from './map-request.ts';
import type { ClowderVersion, HttpEvent, HttpRequest, Json } from './types.ts';
import { runs } from '../../test/support/form.ts';

const ID = '5f1e00000000000000000001';
const OTHER = '5f1e00000000000000000002';

type Headers = Readonly<Record<string, string>>;
type Seen = Partial<Omit<HttpRequest, 'requestHeader' | 'responseHeader'>> & { sent?: Headers; answered?: Headers };

const requestOf = ({ sent = {}, answered = {}, ...seen }: Seen): HttpRequest => ({
  method: 'GET',
  path: '/',
  query: '',
  status: 200,
  ...seen,
  requestHeader: (name) => sent[name],
  responseHeader: (name) => answered[name],
});
const events = (seen: Seen, clowder: ClowderVersion): HttpEvent[] =>
  mapHttpRequest(requestOf(seen), { clowder, contextPath: '' });

/** The event of a success; undefined if there is none. */
const typeOf = (meaning: Meaning): string | undefined =>
  meaning === 'none' || meaning.endsWith(', ids unknown') ? undefined : meaning;

/** v2's web application shows resources through these calls, which the list has as no event. */
const BROWSED = /^\/api\/v2\/(?:public_)?(?:files\/[^/]+\/summary|datasets\/[^/]+)$/;

/** Bodies as Clowder writes them; undefined if no JSON is read from the body. */
const BODIES = {
  page: undefined,
  'part of a page': undefined,
  bytes: undefined,
  id: { id: ID },
  'id alone': ID,
  'id in text': `Created dataset ${ID}`,
  'new dataset id': { newDatasetId: ID },
  'list of ids': [{ id: ID }],
  'ids as names': { id: OTHER, [ID]: 'http://x' },
  'deleted ids': { deleted: [ID] },
  files: { files: [{ name: 'a', size: 1, url: `/files/${ID}` }] },
  jobs: { status: 'success', jobs: { [ID]: 'j1' } },
  statuses: [{ listener_id: OTHER, status: 'success' }],
  'presigned url': { presigned_url: 'http://minio/x' },
  success: { status: 'success' },
  word: 'healthy',
  'to dataset': undefined,
  'to collection': undefined,
  'to space': undefined,
  'to login': undefined,
  session: undefined,
  // This would count as a creation if the route were one.
  other: { id: ID },
} as const satisfies Record<Answer, Json | undefined>;

const LOCATIONS: Readonly<Partial<Record<Answer, string>>> = {
  'to dataset': `/datasets/${ID}`,
  'to collection': `/collection/${ID}`,
  'to space': `/spaces/${ID}`,
  'to login': '/login',
  session: '/',
};

const TYPES: Readonly<Partial<Record<Answer, string>>> = {
  page: 'text/html; charset=utf-8',
  'part of a page': 'text/html; charset=utf-8',
  bytes: 'image/png',
};

function plausibleSuccess({ method, path, answer }: RouteRow, version: 'v1' | 'v2'): Seen {
  const location = LOCATIONS[answer];
  const body = BODIES[answer];
  return {
    method,
    path: path.replace(':format', 'png').replaceAll(/[:*{][^/]*/g, ID),
    query: path.endsWith('downloadPartial') ? `fileList=${ID}` : '',
    status: location === undefined ? 200 : version === 'v2' ? 307 : 303,
    requestBody: { submitValue: 'Create', extractor: 'ncsa.image' },
    ...(body !== undefined && { responseBody: body }),
    answered: {
      'content-type': TYPES[answer] ?? 'application/json',
      ...(answer === 'bytes' && { 'content-disposition': "attachment; filename*=UTF-8''a.png" }),
      ...(location !== undefined && {
        location,
        'set-cookie': `${version === 'v2' ? 'Authorization' : 'id'}="x"; Path=/`,
      }),
    },
  };
}

describe('every route of Clowder', () => {
  test.each([['v1'], ['v2']] as const)('%s: a success gives the event in the list, and no other', (version) => {
    const wrong: string[] = [];
    const rows = routeRows(version);
    for (const row of rows) {
      if (row.path.startsWith('/*.') || row.path === '/*path/') continue;
      const expected = typeOf(row.event);
      const found = events(plausibleSuccess(row, version), version);
      const types = [...new Set(found.map(({ event }) => event))];
      if (types.join() !== (expected ?? ''))
        wrong.push(`${row.method} ${row.path}: ${types.join()}, not ${expected ?? 'none'}`);
    }
    expect(rows.length).toBeGreaterThan(200);
    expect(wrong).toEqual([]);
  });

  test.each([['v1'], ['v2']] as const)(
    '%s: a key, a context path, JSONP and capitals in ids change nothing',
    (version) => {
      for (const row of routeRows(version)) {
        const plain = plausibleSuccess(row, version);
        const expected = events(plain, version);
        const { path = '', query = '', responseBody } = plain;
        const dressed = {
          ...plain,
          path: `/clowder${path.replaceAll(ID, ID.toUpperCase())}`,
          query: `key=s3cret&${query}&key=other&callback=cb`,
          ...(responseBody !== undefined && { responseBody: `cb(${JSON.stringify(responseBody)});` }),
        };
        const found = mapHttpRequest(requestOf(dressed), { clowder: version, contextPath: '/clowder' });
        expect(found, `${row.method} ${row.path}`).toEqual(expected);
        expect(JSON.stringify(found)).not.toContain('s3cret');
      }
    },
  );

  test.each([['v1'], ['v2']] as const)(
    '%s: a route that the list has as no event gives none, whatever its answer',
    (version) => {
      const bytes = { 'content-type': 'image/png', 'content-disposition': 'attachment; filename=a.png' };
      const answers: readonly Partial<Seen>[] = [
        { answered: { 'content-type': 'text/html' } },
        { answered: bytes, bytesSent: 9 },
        { answered: { ...bytes, 'content-range': 'bytes 0-8/9' }, status: 206 },
        { answered: { location: `/datasets/${ID}`, 'set-cookie': 'id=x, Authorization="Bearer x"' }, status: 303 },
        { answered: { 'content-type': 'text/html' }, status: 304 },
      ];
      const rows = routeRows(version).filter(
        ({ event, path }) => typeOf(event) === undefined && !path.startsWith('/*.'),
      );
      expect(rows.length).toBeGreaterThan(150);
      for (const row of rows) {
        // v2's web application requests these: with a browser's headers, which this test does not send, they are views.
        for (const answer of answers) {
          const found = events({ ...plausibleSuccess(row, version), ...answer }, version);
          expect(found, `${row.method} ${row.path}`).toEqual([]);
        }
      }
    },
  );

  test.each([['v1'], ['v2']] as const)('%s: a failure gives no event, except for the health checks', (version) => {
    for (const row of routeRows(version)) {
      for (const status of [0, 301, 400, 401, 403, 404, 409, 500, 503]) {
        const found = events({ ...plausibleSuccess(row, version), status }, version);
        const isLogin = status === 301 && row.event === 'user.login';
        if (!isLogin)
          expect(
            found.filter(({ event }) => event !== 'health.ping'),
            `${row.method} ${row.path}`,
          ).toEqual([]);
      }
    }
  });

  test.each([['v1'], ['v2']] as const)('%s: HEAD and OPTIONS give no event', (version) => {
    for (const row of routeRows(version)) {
      for (const method of ['HEAD', 'OPTIONS'])
        expect(events({ ...plausibleSuccess(row, version), method }, version)).toEqual([]);
    }
  });

  test('v2: calls of the web application are views if a browser makes them', () => {
    const browsed = routeRows('v2').filter(({ method, path }) => method === 'GET' && BROWSED.test(path));
    expect(browsed).toHaveLength(4);
    for (const row of browsed) {
      const found = events({ ...plausibleSuccess(row, 'v2'), sent: { 'sec-fetch-mode': 'cors' } }, 'v2');
      expect(found).toMatchObject([{ event: 'view.resource', data: { resource_id: ID }, collapseWithinS: 30 }]);
    }
  });
});

describe('mapping any request', () => {
  const json = fc.jsonValue() as fc.Arbitrary<Json>;
  const paths = fc.constantFrom(
    '/api/files',
    `/api/files/${ID}`,
    `/api/datasets/${ID}/downloadPartial`,
    '/dataset/submit',
    '/upload',
    '/api/extractions/multiple_uploadby_url',
    '/collection/submit',
    '/spaces/submit',
    '/healthz',
    '/api/v2/status',
    '/',
    `/api/v2/files/${ID}`,
    `/api/v2/files/${ID}/extract`,
    `/api/v2/public_files/${ID}`,
    '/authenticate/userpass',
    `/api/selected/submit/${ID}/${OTHER},%zz`,
    `/uploaddnd/${ID}`,
    '/api/files/bulkRemove',
  );
  const header = fc.option(fc.string({ maxLength: 2000 }), { nil: undefined });
  const request = fc.record(
    {
      method: fc.constantFrom('GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'x'),
      path: fc.oneof(paths, fc.string(), fc.webPath()),
      query: fc.oneof(fc.string(), fc.constant('tracking=FALSE&fileList=%,a')),
      status: fc.oneof(fc.constantFrom(200, 206, 303, 304, 307, 503), fc.integer()),
      requestHeader: header.map((value) => () => value),
      responseHeader: header.map((value) => () => value),
      requestBody: json,
      responseBody: fc.oneof(
        json,
        json.map((value) => `cb(${JSON.stringify(value)});`),
      ),
      parts: fc.array(fc.record({ field: fc.string(), fileName: fc.string(), bytes: fc.double() })),
      bytesSent: fc.double(),
      durationMs: fc.double(),
    },
    { requiredKeys: ['method', 'path', 'query', 'status', 'requestHeader', 'responseHeader'] },
  );
  const options = fc.record({
    clowder: fc.constantFrom<ClowderVersion>('v1', 'v2', 'auto'),
    contextPath: fc.constantFrom('', '/clowder'),
  });

  /** What the caller adds to a request's fields. */
  const byCaller = { event_id: 'e', created: Date.UTC(2026, 0, 1), url: 'http://x/', target: 'http://x/' };

  test('leaves out a duration that no event may have, and keeps the longest that one may', () => {
    const answered = (durationMs: number): unknown => {
      const health = { method: 'GET', path: '/healthz', query: '', status: 200, durationMs };
      const headers = { requestHeader: () => undefined, responseHeader: () => undefined };
      const [event] = mapHttpRequest({ ...health, ...headers }, { clowder: 'v1', contextPath: '' });
      return event?.data.response_time_ms;
    };
    const LONGEST_MS = 3_155_760_000_000;
    expect([0, LONGEST_MS].map(answered)).toEqual([0, LONGEST_MS]);
    expect([-1, LONGEST_MS + 1, Infinity, NaN].map(answered)).toEqual([undefined, undefined, undefined, undefined]);
  });

  test('never throws, and gives only what the event types accept', () => {
    fc.assert(
      fc.property(request, options, (seen, how) => {
        for (const { event, data } of mapHttpRequest(seen, how)) {
          const described = { ...byCaller, ...data, event };
          expect(eventSchemas[event].safeParse(described).error?.message).toBeUndefined();
        }
      }),
      runs(2000),
    );
  });
});
