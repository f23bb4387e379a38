import type { MiddlewareHandler } from 'hono';
import pino from 'pino';
import { describe, expect, test } from 'vitest';
import { EVENT_TYPES } from '../../../../taxonomy/event-types.ts';
import { eventJsonSchema, statedJsonSchema } from '../../../../taxonomy/json-schema.ts';
import { createMapContext } from '../../../../taxonomy/map/context.ts';
import { eventsRoutes } from '../../events-routes.ts';
import { snippetRoutes } from '../../snippet-routes.ts';
import { browserRoutes } from '../../browser-routes.ts';
import { createApp } from '../../../app.ts';
import { trustProxies } from '../../../keys/client-address.ts';
import { dashboardRoutes } from '../../dashboard/routes.ts';
import { CollectorMetrics } from '../../../self-telemetry/metrics.ts';
import { createReceiver } from '../../../otlp/receiver.ts';
import { otlpRoutes } from '../../../otlp/routes.ts';
import { readinessOf } from '../../../readiness.ts';
import { ROUTES } from '../../../routes.ts';
import { deadLetterRoutes } from '../../dead-letter-routes.ts';
import { heldRoutes } from '../../held-routes.ts';
import { rejectedRoutes } from '../../rejected-routes.ts';
import type { Share } from '../../../keys/shares.ts';
import { badgeRoutes } from '../../badge-routes.ts';
import { sharedRoutes } from '../../share-link-routes.ts';
import { counterRoutes } from '../../counter-routes.ts';
import { overviewRoutes } from '../../overview-route.ts';
import { sessionRoutes } from '../../session-routes.ts';
import { statsRoutes } from '../../stats-route.ts';
import { createSessions } from '../../../keys/sessions.ts';
import { OverviewWatch } from '../../../overview/overview.ts';
import { sharedAnswer, statsAnswer } from '../../../../usage/ask/answer.ts';
import { badge } from '../../../../usage/ask/badge.ts';
import { createScreen } from '../../../intake/telemetry-batch.ts';
import { VERSION } from '../../../../runtime/version.ts';
import { docsRoutes } from '../routes.ts';
import { ANSWERS } from '../../answer-schemas.ts';
import { openApiDocument } from './document.ts';

interface Operation {
  readonly operationId: string;
  readonly summary: string;
  readonly tags: readonly string[];
  readonly security: readonly object[];
  readonly parameters?: readonly { name: string; in: string; schema: object }[];
  readonly responses: Record<string, object>;
}

interface Document {
  readonly openapi: string;
  readonly tags: readonly { name: string }[];
  readonly paths: Record<string, Record<string, Operation>>;
  readonly components: {
    readonly schemas: Record<string, Record<string, unknown>>;
    readonly responses: Record<string, { content: object; headers?: object }>;
  };
}

const document = JSON.parse(JSON.stringify(openApiDocument('1.2.3'))) as Document;
const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ method, path, operation })),
);

const STATS = {
  period: { from: '2026-10-01T00:00:00.000Z', to: '2026-11-01T00:00:00.000Z' },
  time_zone: 'UTC',
  counted_until: null,
  totals: { views: 1 },
  rows: [],
};

const SHARE: Share = { id: 's1', name: 'funder', createdAtMs: 0, metrics: ['views'], from: '2026-01', to: '2026-12' };
const BADGE = { dataset: 'd1', views: 1, downloads: 2, counted_until: null };

const letIn: MiddlewareHandler = (_, next) => next();

/** The whole collector with stub parts: any event that has `bad` is refused. */
function collector() {
  const submit = async (events: readonly { value: unknown }[]) =>
    events.map(({ value }) =>
      typeof value === 'object' && value !== null && 'bad' in value
        ? {
            ok: false as const,
            issues: [{ field: 'bad', message: 'is not known', received: '1', expected: 'nothing' }],
          }
        : { ok: true as const, id: 'e1', duplicate: false },
    );
  const journal = {
    stats: () => ({ bytes: 0, maxBytes: 1, lastRow: 0, backlogBytes: 0, rejected: 0, unpublishable: 0, commits: 0 }),
    rejected: () => [{ id: 1, atMs: 0, code: 'c', message: 'm', record: '{}', origin: 'otlp-logs' }],
    write: async () => ({ heldIds: [] }),
    scan: () => [],
    read: () => [],
    heldGroups: () => [],
    heldEvents: () => [{ id: 1, reason: 'nacked' as const, type: 'file.uploaded', sinceMs: 1, line: '{}' }],
  };
  const state = { connected: false, blocked: false, broker: 'amqp://b', unconfirmed: 0, lastError: undefined };
  const sink = { take: () => undefined, access: () => undefined, refuse: () => undefined };
  const readiness = () =>
    readinessOf({
      journal,
      publisher: { state },
      held: { unroutable: { events: 1, oldestMs: 0 }, nacked: { events: 0, oldestMs: undefined } },
      waiting: 0,
      failure: undefined,
      lost: undefined,
      nowMs: 0,
    });
  const overview = new OverviewWatch({
    journal,
    settled: () => ({ row: 0, index: 0 }),
    readiness,
    programs: { state: [{ name: 'proxy', url: 'http://h', ready: true, reason: null, at_ms: 1, said: {} }] },
    tracesUrl: 'http://jaeger:16686/',
    now: Date.now,
  });
  overview.accepted({
    event: 'health.ping',
    event_id: 'p',
    created: 1,
    source: 'monitor',
    target: 't',
    healthy: true,
    bytes: 3,
  });
  return createApp({
    otlp: otlpRoutes(
      createReceiver({
        maxBodyBytes: 1000,
        maxInflightBytes: 1000,
        screen: createScreen(createMapContext()),
        open: () => ({
          spans: sink,
          logs: sink,
          points: sink,
          submit: async () => ({ rejected: 1, message: 'wrong' }),
        }),
      }),
    ),
    events: eventsRoutes({ submit, history: journal, live: () => () => undefined }),
    rejected: rejectedRoutes({ journal, intake: { submit: async () => [] }, context: createMapContext() }),
    held: heldRoutes({ retryNow: async () => ({ published: 1, held: 0 }) }),
    deadLetters: deadLetterRoutes({
      queues: async () => [{ sink: 'matomo', messages: 1 }],
      list: async () => [
        { id: 'e', type: 't', class: 'rejected', reason: 'r', time: '', source: 'proxy', event: '{}' },
      ],
      replay: async () => ({ moved: 1, left: 0, reason: '' }),
    }),
    stats: statsRoutes(async () => STATS),
    counter: counterRoutes(async () => ({ status: 200, body: '[]' })),
    shared: sharedRoutes({ verify: () => SHARE }, async () => STATS),
    badge: badgeRoutes({ ask: async () => BADGE, clientAddress: () => undefined }),
    overview: overviewRoutes({ overview: () => overview.state, journal }),
    session: sessionRoutes({
      keys: { isEmpty: () => true, list: () => [], verify: () => 'unknown' },
      sessions: createSessions(Date.now),
    }),
    browser: browserRoutes({
      keys: { isEmpty: () => true, list: () => [], verify: () => 'unknown' },
      allowedOrigins: ['https://clowder.example'],
      clientAddress: trustProxies([]),
      submit: async (said) => {
        const [verdict = { ok: false, issues: [] }] = await submit([{ value: said }]);
        return verdict;
      },
      onRefused: () => undefined,
    }),
    snippet: snippetRoutes(async () => ''),
    docs: docsRoutes(
      () => openApiDocument(VERSION),
      async () => '',
    ),
    dashboard: dashboardRoutes(async () => ''),
    guards: { otlp: letIn, ingest: letIn, read: letIn, counter: letIn, admin: letIn },
    metrics: new CollectorMetrics(),
    traced: false,
    readiness,
    log: pino({ level: 'silent' }),
  });
}

describe('the OpenAPI document', () => {
  test('is OpenAPI 3.1 with the required parts', () => {
    expect(document.openapi).toBe('3.1.0');
    expect(document).toMatchObject({
      info: { title: expect.any(String), version: '1.2.3', license: { name: 'Apache-2.0' } },
      servers: [{ url: '/' }],
    });
    for (const { path, operation } of operations) {
      expect(path).toMatch(/^\/[a-z0-9_./{}]+$/);
      expect(Object.keys(operation.responses).filter((status) => !/^[2-5]\d\d$/.test(status))).toEqual([]);
      expect(Object.keys(operation.responses).some((status) => status.startsWith('2'))).toBe(true);
      for (const parameter of operation.parameters ?? [])
        expect(parameter).toMatchObject({
          in: expect.stringMatching(/^(?:query|header|path)$/),
          schema: expect.any(Object),
        });
    }
  });

  test('has all routes of the collector and no others', () => {
    const hidden = new Set(ROUTES.filter((route) => route.hidden !== undefined).map(({ path }) => path));
    const routed = collector()
      .routes.filter(({ method, path }) => /^(?:GET|POST)$/.test(method) && !hidden.has(path) && !path.includes('*'))
      .map(({ method, path }) => `${method} ${path}`);
    const documented = operations.map(({ method, path }) => {
      const ofType = EVENT_TYPES.some((type) => path.endsWith(`/${type}`));
      return `${method.toUpperCase()} ${ofType ? '/api/v1/events/:type' : path.replace(/\{(\w+)\}/, ':$1')}`;
    });
    expect([...new Set(documented)].toSorted()).toEqual([...new Set(routed)].toSorted());
  });

  test('gives the reason for each route that it leaves out', () => {
    const hidden = ROUTES.filter(({ documented }) => documented.length === 0);
    expect(hidden.map(({ label, hidden: why }) => `${label}: ${why}`)).toEqual([
      '/c/v: it is /api/v1/browser by another name',
      '/c/v.js: the snippet is a script of pages',
      ...['', '', ''].map(() => '/api/v1/session: a session is the login of the dashboard, a page for people'),
      '/docs: the page of the API is for people',
      '/docs/api.js: the page of the API is for people',
      ...['/', '/usage', '/machines', '/events', '/kept'].map((path) => `${path}: the dashboard is a page for people`),
      '/dashboard/app.css: the dashboard is a page for people',
      '/dashboard/app.js: the dashboard is a page for people',
      '/dashboard/icon.svg: the dashboard is a page for people',
      '/guide: the dashboard is a page for people',
    ]);
  });

  test('comes from the table that the app is served by, which has each route once and no other', () => {
    const served = collector()
      .routes.filter(({ method, path }) => method !== 'ALL' && !path.includes('*'))
      .map(({ method, path }) => `${method} ${path}`);
    const table = ROUTES.map(({ method, path }) => `${method.toUpperCase()} ${path}`);
    expect(served.toSorted()).toEqual(table.toSorted());
  });

  test('keeps operation ids, as clients are generated from them', () =>
    expect(operations.map(({ method, path, operation }) => `${method} ${path} ${operation.operationId}`)).toEqual([
      'post /api/v1/events post_events',
      'get /api/v1/events list_events',
      'get /api/v1/events/stream stream_events',
      'post /api/v1/browser post_page_view',
      ...EVENT_TYPES.map((type) => `post /api/v1/events/${type} post_${type.replace('.', '_')}`),
      'get /api/v1/rejected list_rejected',
      'post /api/v1/rejected/replay replay_rejected',
      'post /api/v1/rejected/discard discard_rejected',
      'post /api/v1/held/retry retry_held',
      'get /api/v1/dead list_dead_queues',
      'get /api/v1/dead/{sink} list_dead_letters',
      'post /api/v1/dead/replay replay_dead_letters',
      'get /api/v1/stats get_stats',
      'get /r51/status get_counter_status',
      'get /r51/members get_counter_members',
      'get /r51/reports get_counter_reports',
      'get /r51/reports/{report} get_counter_report',
      'get /api/v1/shared get_share',
      'get /api/v1/shared/stats get_shared_stats',
      'get /api/v1/badge/{dataset} get_badge',
      'get /api/v1/overview get_overview',
      'get /api/v1/held list_held',
      'post /v1/traces export_traces',
      'post /v1/logs export_logs',
      'post /v1/metrics export_metrics',
      'get /healthz get_health',
      'get /readyz get_readiness',
      'get /metrics get_metrics',
      'get /openapi.json get_openapi',
      'get /asyncapi.json get_asyncapi',
      'get /schemas list_schemas',
      'get /schemas/{file} get_schema',
    ]));

  test('says for each operation what it does, and whether it needs a key', () => {
    const tags = new Set(document.tags.map((tag) => tag.name));
    const either = [{ bearer: [] }, { apiKey: [] }];
    const open = new Set(['post_page_view', 'get_counter_status', 'get_share', 'get_shared_stats', 'get_badge']);
    for (const { operation } of operations) {
      expect(operation.summary).not.toBe('');
      expect(operation.tags).not.toEqual([]);
      expect(operation.tags.filter((tag) => !tags.has(tag))).toEqual([]);
      const isOpen = open.has(operation.operationId) || ['state', 'descriptions'].includes(operation.tags[0] ?? '');
      expect(operation.security).toEqual(isOpen ? [] : either);
    }
  });

  test.each(EVENT_TYPES)("has the taxonomy's schemas of %s", (type) => {
    const { $schema: _schema, $id: _id, ...published } = eventJsonSchema(type);
    expect(document.components.schemas[type]).toEqual(published);
    expect(document.components.schemas[`${type}.posted`]).toEqual(JSON.parse(JSON.stringify(statedJsonSchema(type))));
  });

  test.each([
    ['Event', ''],
    ['PostedEvent', '.posted'],
  ])('uses the field event to tell the types of %s apart', (name, suffix) => {
    const refs = EVENT_TYPES.map((type) => [type, `#/components/schemas/${type}${suffix}`]);
    expect(document.components.schemas[name]).toMatchObject({
      oneOf: refs.map(([, $ref]) => ({ $ref })),
      discriminator: { propertyName: 'event', mapping: Object.fromEntries(refs) },
    });
  });

  test('describes API errors as application/problem+json, with Retry-After if a retry may help', () => {
    for (const [name, response] of Object.entries(document.components.responses)) {
      const types = Object.keys(response.content);
      expect(types).toEqual(
        name.startsWith('Otlp') ? ['application/x-protobuf', 'application/json'] : ['application/problem+json'],
      );
      expect(Object.keys(response.headers ?? {})).toEqual(
        /TooManyRequests|Unavailable/.test(name) ? ['Retry-After'] : [],
      );
    }
  });
});

describe("the collector's answers match the document", () => {
  const JSON_TYPE = { 'content-type': 'application/json' };
  const post = (path: string, body: object, headers: object = {}) =>
    collector().request(path, { method: 'POST', headers: { ...JSON_TYPE, ...headers }, body: JSON.stringify(body) });
  const page = { origin: 'https://clowder.example' };

  test.each([
    ['202 to events', 202, ANSWERS.Accepted, () => post('/api/v1/events', [{ event: 'user.login' }, { bad: 1 }])],
    ['422 to events', 422, ANSWERS.Problem, () => post('/api/v1/events', { bad: 1 })],
    ['415 to events', 415, ANSWERS.Problem, () => post('/api/v1/events', {}, { 'content-type': 'text/csv' })],
    ['202 to a page view', 202, ANSWERS.PageViewAccepted, () => post('/api/v1/browser', { url: 'https://c/' }, page)],
    ['403 to a page view', 403, ANSWERS.Problem, () => post('/api/v1/browser', { url: 'https://c/' })],
    ['400 to a wrong query', 400, ANSWERS.Problem, () => collector().request('/api/v1/events?limit=0')],
    [
      '400 to a query of the rejected store',
      400,
      ANSWERS.Problem,
      () => collector().request('/api/v1/rejected?limit=1.5'),
    ],
    ['200 to the rejected store', 200, ANSWERS.RejectedRecords, () => collector().request('/api/v1/rejected')],
    ['200 to a replay', 200, ANSWERS.Replayed, () => post('/api/v1/rejected/replay', {})],
    ['200 to a discard', 200, ANSWERS.Discarded, () => post('/api/v1/rejected/discard', { ids: [1] })],
    ['200 to a retry', 200, ANSWERS.Retried, () => post('/api/v1/held/retry', {})],
    ['200 to telemetry', 200, ANSWERS.ExportResponse, () => post('/v1/logs', { resourceLogs: [] })],
    ['415 to telemetry', 415, ANSWERS.Status, () => post('/v1/logs', {}, { 'content-type': 'text/csv' })],
    ['200 of health', 200, ANSWERS.Health, () => collector().request('/healthz')],
    ['200 to the names of schemas', 200, ANSWERS.SchemaNames, () => collector().request('/schemas')],
    [
      '200 to a question of usage',
      200,
      statsAnswer,
      () => collector().request('/api/v1/stats?metric=views&from=2026-10&to=2026-10'),
    ],
    [
      '200 to a share link',
      200,
      sharedAnswer,
      () => collector().request('/api/v1/shared/stats?metric=views&from=2026-10&to=2026-10&token=t'),
    ],
    ['200 to a public counter', 200, badge, () => collector().request('/api/v1/badge/d1')],
    ['200 of queues of dead letters', 200, ANSWERS.DeadQueues, () => collector().request('/api/v1/dead')],
    ['200 of dead letters', 200, ANSWERS.DeadLetters, () => collector().request('/api/v1/dead/matomo')],
    ['200 to a replay of them', 200, ANSWERS.DeadReplayed, () => post('/api/v1/dead/replay', { sink: 'matomo' })],
    ['200 of the overview', 200, ANSWERS.Overview, () => collector().request('/api/v1/overview')],
    ['200 to what is held', 200, ANSWERS.HeldEvents, () => collector().request('/api/v1/held?reason=nacked')],
    ['200 of readiness', 200, ANSWERS.Readiness, () => collector().request('/readyz')],
  ])('%s', async (_, status, schema, ask) => {
    const answer = await ask();
    expect(answer.status).toBe(status);
    const body: unknown = await answer.json();
    expect(schema.strict().safeParse(body)).toMatchObject({ success: true, data: body });
  });
});
