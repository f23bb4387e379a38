import { readFileSync } from 'node:fs';
import { Hono } from 'hono';
import { pino } from 'pino';
import { describe, expect, test } from 'vitest';
import { EVENT_TYPES } from '../../../taxonomy/event-types.ts';
import { answerErrors } from '../../answer-error.ts';
import { VERSION } from '../../../runtime/version.ts';
import { openApiDocument } from './openapi/document.ts';
import { docsRoutes } from './routes.ts';

interface OpenApi {
  readonly openapi: string;
  readonly info: { readonly version: string };
  readonly paths: Record<
    string,
    Record<string, { operationId: string; security?: unknown; parameters?: { name: string }[]; responses: object }>
  >;
  readonly components: { securitySchemes: unknown; schemas: Record<string, { required?: string[] }> };
}

interface AsyncApi {
  readonly asyncapi: string;
  readonly channels: Record<
    string,
    { address: string | null; messages: object; bindings: { amqp: Record<string, unknown> } }
  >;
  readonly operations: Record<string, { action: string; channel: { $ref: string }; bindings: object }>;
  readonly components: { messages: Record<string, { payload: { $id: string }; bindings: object }> };
}

const app = new Hono();
answerErrors(app, pino({ level: 'silent' }));
app.route(
  '/',
  docsRoutes(
    () => openApiDocument(VERSION),
    async (name) => `content of ${name}`,
  ),
);
const get = (path: string) => app.request(path);
const read = async (path: string): Promise<unknown> => (await get(path)).json();

const openApi = (await read('/openapi.json')) as OpenApi;
const asyncApi = (await read('/asyncapi.json')) as AsyncApi;
const version = (
  JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')) as { version: string }
).version;

function refsOf(value: unknown): readonly string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, child]: [string, unknown]) =>
    name === '$ref' && typeof child === 'string' ? [child] : refsOf(child),
  );
}

/** What a reference within the document points at; undefined if it points at nothing. */
function resolve(document: unknown, reference: string): unknown {
  let found: unknown = document;
  for (const name of reference.replace(/^#\//, '').split('/'))
    found = typeof found === 'object' && found !== null ? (found as Record<string, unknown>)[name] : undefined;
  return found;
}

describe.each([
  ['/openapi.json', openApi],
  ['/asyncapi.json', asyncApi],
])('%s', (path, document) => {
  test('is JSON', async () => {
    const answer = await get(path);
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toContain('application/json');
  });

  test('has the version of the package', () => expect(document).toMatchObject({ info: { version } }));

  test('has no reference to something that it lacks', () => {
    const dangling = refsOf(document).filter((one) => resolve(document, one) === undefined);
    expect(dangling).toEqual([]);
  });
});

describe('OpenAPI', () => {
  test('is version 3.1, with both ways to send a key', () => {
    expect(openApi.openapi).toMatch(/^3\.1\./);
    expect(openApi.components.securitySchemes).toEqual({
      bearer: { type: 'http', scheme: 'bearer' },
      apiKey: { type: 'apiKey', in: 'header', name: 'X-API-Key' },
    });
  });

  test.each([
    ['/api/v1/events', 'post'],
    ['/api/v1/events', 'get'],
    ['/api/v1/events/stream', 'get'],
  ])('has %s %s, with a key', (path, method) => {
    expect(openApi.paths[path]?.[method]?.security).toEqual([{ bearer: [] }, { apiKey: [] }]);
  });

  test.each(EVENT_TYPES)('has an endpoint for %s, with its schema, an example and a key', (type) => {
    expect(openApi.paths[`/api/v1/events/${type}`]).toMatchObject({
      post: {
        security: [{ bearer: [] }, { apiKey: [] }],
        requestBody: {
          required: true,
          content: {
            'application/json': {
              schema: { $ref: `#/components/schemas/${type}.posted` },
              example: { event: type },
            },
          },
        },
      },
    });
  });

  test('lists every answer of a POST', () => {
    const statuses = Object.keys(openApi.paths['/api/v1/events']?.['post']?.responses ?? {});
    expect(statuses).toEqual(['202', '400', '401', '403', '408', '413', '415', '422', '429', '503']);
  });

  test('lists every parameter of the history', () => {
    const names = openApi.paths['/api/v1/events']?.['get']?.parameters?.map(({ name }) => name);
    expect(names?.toSorted()).toEqual(
      'client_kind clowder_instance cursor format limit order resource_id since source type until user_id'.split(' '),
    );
  });

  test('names every operation once', () => {
    const ids = Object.values(openApi.paths).flatMap((path) =>
      Object.values(path).map(({ operationId }) => operationId),
    );
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.every((id) => /^\w+$/.test(id))).toBe(true);
  });

  test('names schemas as the specification allows', () => {
    expect(Object.keys(openApi.components.schemas).filter((name) => !/^[A-Za-z0-9._-]+$/.test(name))).toEqual([]);
  });
});

describe('AsyncAPI', () => {
  test('is version 3.0', () => expect(asyncApi.asyncapi).toBe('3.0.0'));

  test.each(EVENT_TYPES)('%s goes to the topic exchange under its own routing key', (type) => {
    expect(asyncApi.channels[type]).toMatchObject({
      address: type,
      bindings: {
        amqp: {
          is: 'routingKey',
          exchange: { name: 'clowder.events', type: 'topic', durable: true, autoDelete: false, vhost: '/' },
          bindingVersion: '0.3.0',
        },
      },
    });
    expect(asyncApi.operations[`publish.${type}`]).toMatchObject({
      action: 'send',
      channel: { $ref: `#/channels/${type}` },
      bindings: { amqp: { deliveryMode: 2, mandatory: true, bindingVersion: '0.3.0' } },
    });
    expect(asyncApi.components.messages[type]).toMatchObject({
      contentType: 'application/json',
      payload: { $id: `urn:clowder-otel:schema:${type}:1` },
      bindings: { amqp: { messageType: type, bindingVersion: '0.3.0' } },
    });
  });

  test('has the fanout exchange of Clowder v1, with every message', () => {
    expect(asyncApi.channels['metrics']?.bindings.amqp).toMatchObject({
      exchange: { name: 'clowder.metrics', type: 'fanout', durable: true },
    });
    // A fanout exchange ignores routing keys, and messages have their type's.
    expect(asyncApi.channels['metrics']?.address).toBeNull();
    expect(Object.keys(asyncApi.channels['metrics']?.messages ?? {})).toEqual(EVENT_TYPES);
  });
});

describe('/schemas', () => {
  test('lists a schema for each type, and each exists', async () => {
    const { schemas } = (await read('/schemas')) as { schemas: string[] };
    expect(schemas).toEqual(EVENT_TYPES.map((type) => `/schemas/${type}.json`));
    for (const path of schemas) {
      const answer = await get(path);
      expect(answer.headers.get('content-type')).toBe('application/schema+json');
      expect(`/schemas/${((await answer.json()) as { title: string }).title}.json`).toBe(path);
    }
  });

  test.each(['none.json', 'constructor.json', `${'x'.repeat(5000)}.json`])('answers 404 to %j', async (file) => {
    const answer = await get(`/schemas/${file}`);
    expect(answer.status).toBe(404);
    expect((await answer.text()).length).toBeLessThan(500);
  });
});

describe('/docs', () => {
  test('is a page that loads everything from this server', async () => {
    const answer = await get('/docs');
    const page = await answer.text();
    expect(answer.headers.get('content-type')).toContain('text/html');
    expect(page).not.toMatch(/https?:|\/\/[a-z]/);
    const parts = [...page.matchAll(/(?:src|href)="([^"]+)"/g)].map((match) => match[1] ?? '');
    expect(parts).toEqual(['/dashboard/icon.svg', '/docs/api.js', '/openapi.json']);
    for (const part of parts.slice(1)) expect((await get(part)).status).toBe(200);
  });

  test('allows no other script: neither inline, nor from elsewhere, nor by eval', async () => {
    const policy = (await get('/docs')).headers.get('content-security-policy') ?? '';
    const directives = new Map(policy.split('; ').map((one) => [one.split(' ')[0], one]));
    expect(directives.get('default-src')).toBe("default-src 'none'");
    expect(directives.get('script-src')).toBe("script-src 'self'");
    expect(directives.get('connect-src')).toBe("connect-src 'self'");
    expect(directives.get('frame-ancestors')).toBe("frame-ancestors 'none'");
    expect(await (await get('/docs')).text()).not.toMatch(/<script>|\son\w+=/);
  });

  test('serves its script from the bundle, compressed', async () => {
    const answer = await get('/docs/api.js');
    expect(answer.headers.get('content-type')).toContain('text/javascript');
    expect(await answer.text()).toBe('content of api.js');
  });

  test.each(['package.json', '..%2Fpackage.json', '%2e%2e%2f%2e%2e%2fpackage.json', 'constructor', 'index.html'])(
    'serves no other file: %s',
    async (asset) => expect((await get(`/docs/${asset}`)).status).toBe(404),
  );
});
