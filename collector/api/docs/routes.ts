import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { z } from '@hono/zod-openapi';
import { Hono } from 'hono';
import { EVENT_TYPES, isEventType } from '../../../taxonomy/event-types.ts';
import { eventJsonSchema } from '../../../taxonomy/json-schema.ts';
import { CollectorError } from '../../errors.ts';
import { ANSWERS } from '../answer-schemas.ts';
import { answer, json } from '../answers.ts';
import { partsOf } from '../page-part.ts';
import { defineRoute, serve, type Route } from '../route.ts';
import { VERSION } from '../../../runtime/version.ts';
import { asyncApiDocument } from './asyncapi.ts';

const UI = dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'));
/** What the page needs of Swagger UI, by name. */
const ASSETS: ReadonlyMap<string, string> = new Map([
  ['swagger-ui.css', 'text/css'],
  ['swagger-ui-bundle.js', 'text/javascript'],
]);
const START =
  "SwaggerUIBundle({ url: '/openapi.json', dom_id: '#ui', persistAuthorization: true, tryItOutEnabled: true, validatorUrl: null });\n";
const PAGE = `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>clowder-otel API</title><link rel="stylesheet" href="/docs/swagger-ui.css"></head>
<body><div id="ui"></div><script src="/docs/swagger-ui-bundle.js"></script><script src="/docs/start.js"></script></body>
</html>
`;
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

const page = partsOf({ summary: 'Swagger UI', hidden: 'Swagger UI is a page for people' });

const docsPage = page('/docs', 'get_docs', 'text/html');
const startScript = page('/docs/start.js', 'get_docs_start', 'text/javascript');
// Path by path, not /docs/:asset: so that Hono can take its fastest router for all of the collector's routes.
const assetFiles = [...ASSETS].map(
  ([asset, type]) => [asset, type, page(`/docs/${asset}`, `get_docs_${asset}`, type)] as const,
);

export const DOCS_ROUTES: readonly Route[] = [
  openApiJson,
  asyncApiJson,
  listSchemas,
  getSchema,
  docsPage,
  startScript,
  ...assetFiles.map(([, , route]) => route),
];

/**
 * Descriptions of the API and of the messages, and Swagger UI from this machine alone.
 *
 * @param makeOpenApi called when somebody asks for the document, once
 */
export function docsRoutes(makeOpenApi: () => object): Hono {
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
  serve(app, startScript, (c) => c.body(START, 200, { 'content-type': 'text/javascript' }));
  for (const [asset, type, route] of assetFiles)
    serve(app, route, async (c) =>
      c.body(new Uint8Array(await readFile(join(UI, asset))), 200, {
        'content-type': type,
        'cache-control': 'max-age=3600',
      }),
    );
  return app;
}
