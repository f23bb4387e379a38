import { z } from '@hono/zod-openapi';
import { Hono } from 'hono';
import { compress } from 'hono/compress';
import { etag } from 'hono/etag';
import { EVENT_TYPES, isEventType } from '../../../taxonomy/event-types.ts';
import { eventJsonSchema } from '../../../taxonomy/json-schema.ts';
import { CollectorError } from '../../errors.ts';
import { ANSWERS } from '../answer-schemas.ts';
import { answer, json } from '../answers.ts';
import type { ReadBundle } from '../bundles.ts';
import { partsOf } from '../page-part.ts';
import { defineRoute, serve, type Route } from '../route.ts';
import { VERSION } from '../../../runtime/version.ts';
import { asyncApiDocument } from './asyncapi.ts';

const PAGE = `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>API · clowder-otel</title>
<link rel="icon" href="/dashboard/icon.svg" type="image/svg+xml"><script defer src="/docs/api.js"></script></head>
<body>
<openapi-explorer spec-url="/openapi.json" collapse="true" default-schema-tab="body" hide-server-selection="true"></openapi-explorer>
<noscript><p>This page needs JavaScript. Without it: <a href="/openapi.json">the OpenAPI document</a>.</p></noscript>
</body>
</html>
`;
// The explorer creates style sheets at run time. The only script is the one served here.
const CSP =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'";

const ofDescriptions = { method: 'get' as const, scope: 'public' as const, tags: ['descriptions'] };
const document = (mediaType: string) => ({
  200: answer('The document', { [mediaType]: { schema: { type: 'object' } } }),
});

const openApiJson = defineRoute({
  ...ofDescriptions,
  path: '/openapi.json',
  operationId: 'get_openapi',
  summary: 'OpenAPI of this API',
  responses: document('application/json'),
});
const asyncApiJson = defineRoute({
  ...ofDescriptions,
  path: '/asyncapi.json',
  operationId: 'get_asyncapi',
  summary: 'AsyncAPI of what is published',
  responses: document('application/json'),
});
const listSchemas = defineRoute({
  ...ofDescriptions,
  path: '/schemas',
  operationId: 'list_schemas',
  summary: 'Where the JSON schemas of events are',
  responses: { 200: answer('Their paths', json(ANSWERS.SchemaNames)) },
});
const getSchema = defineRoute({
  ...ofDescriptions,
  path: '/schemas/{file}',
  operationId: 'get_schema',
  summary: 'JSON schema of one event type',
  request: { params: z.object({ file: z.string().describe('An event type and `.json`') }) },
  responses: document('application/schema+json'),
  errors: ['unknown_event_type'],
});

const page = partsOf({ summary: 'Page of the API', hidden: 'the page of the API is for people' });

const docsPage = page('/docs', 'get_docs', 'text/html');
const script = page('/docs/api.js', 'get_docs_script', 'text/javascript');

export const DOCS_ROUTES: readonly Route[] = [openApiJson, asyncApiJson, listSchemas, getSchema, docsPage, script];

/**
 * Descriptions of the API and of the messages, and a page to try the API. The page loads nothing from other hosts.
 *
 * @param makeOpenApi called once, at the first request for the document
 */
export function docsRoutes(makeOpenApi: () => object, read: ReadBundle): Hono {
  const app = new Hono();
  let openApi: object | undefined;
  serve(app, openApiJson, (c) => c.json((openApi ??= makeOpenApi())));
  serve(app, asyncApiJson, (c) => c.json(asyncApiDocument(VERSION)));
  serve(app, listSchemas, (c) => c.json({ schemas: EVENT_TYPES.map((type) => `/schemas/${type}.json`) }, 200));
  serve(app, getSchema, (c) => {
    const type = (c.req.param('file') ?? '').replace(/\.json$/, '');
    if (!isEventType(type))
      throw new CollectorError(
        'unknown_event_type',
        `There is no event type ${type.slice(0, 100)}: GET /schemas lists them`,
      );
    return c.json(eventJsonSchema(type), 200, { 'content-type': 'application/schema+json' });
  });
  serve(app, docsPage, (c) => c.html(PAGE, 200, { 'content-security-policy': CSP }));
  app.use(script.path, compress(), etag());
  serve(app, script, async (c) =>
    c.body(await read('api.js'), 200, {
      'content-type': 'text/javascript; charset=utf-8',
      'cache-control': 'no-cache',
    }),
  );
  return app;
}
