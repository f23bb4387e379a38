import { Hono, type MiddlewareHandler } from 'hono';
import { compress } from 'hono/compress';
import { etag } from 'hono/etag';
import type { ReadBundle } from '../bundles.ts';
import { partsOf } from '../page-part.ts';
import { serve, type Route } from '../route.ts';

/** The browser loads and runs only what this server sends. */
const HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cache-control': 'no-cache',
};

const PAGE = `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>clowder-otel</title>
<link rel="icon" href="/dashboard/icon.svg" type="image/svg+xml"><link rel="stylesheet" href="/dashboard/app.css"><script defer src="/dashboard/app.js"></script></head>
<body>
<div id="app"></div>
<noscript><p>The dashboard needs JavaScript. Without it: <a href="/readyz">is it well</a>, <a href="/metrics">metrics</a>, <a href="/guide">guide</a>.</p></noscript>
</body>
</html>
`;

const ICON = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><rect width="16" height="16" rx="3" fill="#0b5cad"/><path d="M3 12V8h2v4zm4 0V4h2v8zm4 0V6h2v6z" fill="#fff"/></svg>`;

const part = partsOf({ summary: 'Dashboard', hidden: 'the dashboard is a page for people' });

/** All paths serve the same page; its script reads the path. */
const PAGES = ['/', '/usage', '/machines', '/events', '/kept'].map((path) =>
  part(path, `get_dashboard${path.replace('/', '_')}`, 'text/html'),
);
const style = part('/dashboard/app.css', 'get_dashboard_style', 'text/css');
const script = part('/dashboard/app.js', 'get_dashboard_script', 'text/javascript');
const icon = part('/dashboard/icon.svg', 'get_dashboard_icon', 'image/svg+xml');
const guide = part('/guide', 'get_guide', 'text/html');

export const DASHBOARD_ROUTES: readonly Route[] = [...PAGES, style, script, icon, guide];

/** The dashboard. Its pages are public and hold no data; they fetch it from the API, which needs a key. */
export function dashboardRoutes(read: ReadBundle): Hono {
  const app = new Hono();
  for (const { path } of DASHBOARD_ROUTES) app.use(path, withHeaders, compress(), etag());
  for (const page of PAGES) serve(app, page, (c) => c.html(PAGE));
  serve(app, style, async (c) => c.body(await read('app.css'), 200, { 'content-type': 'text/css; charset=utf-8' }));
  serve(app, script, async (c) =>
    c.body(await read('app.js'), 200, { 'content-type': 'text/javascript; charset=utf-8' }),
  );
  serve(app, icon, (c) => c.body(ICON, 200, { 'content-type': 'image/svg+xml' }));
  serve(app, guide, async (c) => c.html(await read('guide.html')));
  return app;
}

const withHeaders: MiddlewareHandler = async function addHeaders(c, next) {
  await next();
  for (const [name, value] of Object.entries(HEADERS)) c.res.headers.set(name, value);
};
