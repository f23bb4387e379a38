import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { Hono } from 'hono';
import { EVENT_TYPES, isEventType } from '../../../taxonomy/event-types.ts';
import { eventJsonSchema } from '../../../taxonomy/json-schema.ts';
import { CollectorError } from '../../errors.ts';
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

/** Descriptions of the API and of the messages, and Swagger UI from this machine alone. */
export function docsRoutes(): Hono {
  const app = new Hono();
  let openApi: Promise<object> | undefined;
  app.get('/openapi.json', async (c) => c.json(await (openApi ??= loadOpenApi())));
  app.get('/asyncapi.json', (c) => c.json(asyncApiDocument(VERSION)));
  app.get('/schemas', (c) => c.json({ schemas: EVENT_TYPES.map((type) => `/schemas/${type}.json`) }));
  app.get('/schemas/:file', (c) => {
    const type = c.req.param('file').replace(/\.json$/, '');
    if (!isEventType(type))
      throw new CollectorError(
        'unknown_event_type',
        `There is no event type ${type.slice(0, 100)}: GET /schemas lists them`,
      );
    return c.json(eventJsonSchema(type), 200, { 'content-type': 'application/schema+json' });
  });
  app.get('/docs', (c) => c.html(PAGE, 200, { 'content-security-policy': CSP }));
  app.get('/docs/start.js', (c) => c.body(START, 200, { 'content-type': 'text/javascript' }));
  // Path by path, not /docs/:asset: so that Hono can take its fastest router for all of the collector's routes.
  for (const [asset, type] of ASSETS)
    app.get(`/docs/${asset}`, async (c) =>
      c.body(new Uint8Array(await readFile(join(UI, asset))), 200, {
        'content-type': type,
        'cache-control': 'max-age=3600',
      }),
    );
  return app;
}

/** Loaded when somebody asks: the library adds a method to every zod schema, and takes time that a start need not. */
async function loadOpenApi(): Promise<object> {
  const { openApiDocument } = await import('./openapi/document.ts');
  return openApiDocument(VERSION);
}
