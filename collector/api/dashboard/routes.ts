import { Hono } from 'hono';
import { partsOf } from '../page-part.ts';
import { serve, type Route } from '../route.ts';

const CSP = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; frame-ancestors 'none'";

const PAGE = `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>clowder-otel</title><link rel="stylesheet" href="/dashboard.css"></head>
<body>
<h1>clowder-otel <small id="status"></small></h1>
<ul id="checks"></ul>
<form id="key" hidden><label>API key with scope read <input name="key" type="password" autocomplete="off"></label> <button>Use</button></form>
<table><thead><tr><th>created</th><th>event</th><th>resource</th><th>user</th><th>client</th><th>source</th></tr></thead><tbody id="events"></tbody></table>
<p><a href="/docs">API</a> · <a href="/metrics">metrics</a> · <a href="/readyz">readiness</a></p>
<script src="/dashboard.js"></script>
</body>
</html>
`;

const STYLE = `body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem;color:#1b2733}
h1 small{font-size:.6em;padding:.2em .6em;border-radius:1em;background:#e6ebf0}
h1 small.ready{background:#cfeed8}h1 small.degraded{background:#fdebc8}h1 small.unavailable{background:#f8d0cd}
table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.25rem .5rem;border-bottom:1px solid #e6ebf0;font-variant-numeric:tabular-nums}
`;

const SCRIPT = `'use strict';
const $ = (id) => document.getElementById(id);
const headers = () => { const key = sessionStorage.getItem('key'); return key ? { authorization: 'Bearer ' + key } : {}; };
function cell(row, text) { row.insertCell().textContent = text ?? ''; }
async function readiness() {
  const { status, checks } = await (await fetch('/readyz')).json();
  $('status').textContent = status; $('status').className = status;
  $('checks').replaceChildren(...Object.entries(checks).map(([name, check]) => { const item = document.createElement('li'); item.textContent = name + ': ' + (check.ok ? 'ok' : check.reason) + (check.bytes === undefined ? '' : ' (' + check.bytes.toLocaleString() + ' bytes)'); return item; }));
}
async function events() {
  const answer = await fetch('/api/v1/events?limit=50', { headers: headers() });
  $('key').hidden = answer.ok;
  if (!answer.ok) return;
  const rows = (await answer.json()).events.map((event) => { const row = document.createElement('tr'); cell(row, new Date(event.created).toLocaleString()); cell(row, event.event); cell(row, event.resource_name || event.resource_id || event.url); cell(row, event.user_name || event.user_id); cell(row, event.client_kind); cell(row, event.source); return row; });
  $('events').replaceChildren(...rows);
}
$('key').addEventListener('submit', (submit) => { submit.preventDefault(); sessionStorage.setItem('key', new FormData(submit.target).get('key')); void events(); });
function refresh() { void readiness().catch(() => { $('status').textContent = 'no answer'; }); void events().catch(() => undefined); }
refresh();
setInterval(refresh, 2000);
`;

const part = partsOf({ summary: 'Dashboard', hidden: 'the dashboard is a page for people' });

const page = part('/', 'get_dashboard', 'text/html');
const style = part('/dashboard.css', 'get_dashboard_style', 'text/css');
const script = part('/dashboard.js', 'get_dashboard_script', 'text/javascript');

export const DASHBOARD_ROUTES: readonly Route[] = [page, style, script];

/** GET /: state of journal, broker and backlog, and the latest events. The page itself tells nothing; its data need a key. */
export function dashboardRoutes(): Hono {
  const app = new Hono();
  serve(app, page, (c) => c.html(PAGE, 200, { 'content-security-policy': CSP }));
  serve(app, style, (c) => c.body(STYLE, 200, { 'content-type': 'text/css' }));
  serve(app, script, (c) => c.body(SCRIPT, 200, { 'content-type': 'text/javascript' }));
  return app;
}
