import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { Hono } from 'hono';
import { EVENT_TYPES, isEventType } from '../../../taxonomy/event-types.ts';
import { eventJsonSchema } from '../../../taxonomy/json-schema.ts';
import { CollectorError } from '../../errors.ts';
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

/** A page for people, or what one is made of: not in the document. */
const page = (path: string, operationId: string, summary: string): Route =>
  defineRoute({ method: 'get', path, scope: 'public', operationId, summary, hide: true, responses: {} });

const openApiJson = page('/openapi.json', 'get_openapi', 'OpenAPI of this API');
const asyncApiJson = page('/asyncapi.json', 'get_asyncapi', 'AsyncAPI of what is published');
const listSchemas = page('/schemas', 'list_schemas', 'Names of the JSON schemas of events');
const getSchema = page('/schemas/{file}', 'get_schema', 'JSON schema of one event type');
const docsPage = page('/docs', 'get_docs', 'Swagger UI');
const startScript = page('/docs/start.js', 'get_docs_start', 'Starts Swagger UI');
// Path by path, not /docs/:asset: so that Hono can take its fastest router for all of the collector's routes.
const assetFiles = [...ASSETS].map(
  ([asset, type]) => [asset, type, page(`/docs/${asset}`, `get_docs_${asset}`, 'Of Swagger UI')] as const,
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
  serve(app, listSchemas, (c) => c.json({ schemas: EVENT_TYPES.map((type) => `/schemas/${type}.json`) }));
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
