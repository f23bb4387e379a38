import type { MiddlewareHandler } from 'hono';
import { BADGE_ROUTES } from './api/badge-routes.ts';
import { BROWSER_ROUTES } from './api/browser-routes.ts';
import { COUNTER_ROUTES } from './api/counter-routes.ts';
import { DASHBOARD_ROUTES } from './api/dashboard/routes.ts';
import { DEAD_LETTER_ROUTES } from './api/dead-letter-routes.ts';
import { DOCS_ROUTES } from './api/docs/routes.ts';
import { EVENT_ROUTES, EVENT_TYPE_ROUTES } from './api/events-routes.ts';
import { HELD_ROUTES } from './api/held-routes.ts';
import { REJECTED_ROUTES } from './api/rejected-routes.ts';
import type { Route } from './api/route.ts';
import { SHARED_ROUTES } from './api/share-link-routes.ts';
import { OVERVIEW_ROUTES } from './api/overview-route.ts';
import { SESSION_ROUTES } from './api/session-routes.ts';
import { STATS_ROUTES } from './api/stats-route.ts';
import { SNIPPET_ROUTES } from './api/snippet-routes.ts';
import { STATE_ROUTES } from './api/state-routes.ts';
import { OTLP_ROUTES } from './otlp/routes.ts';

/** All routes of the collector, in the order of its document. */
export const ROUTES: readonly Route[] = [
  ...EVENT_ROUTES,
  ...BROWSER_ROUTES,
  ...SNIPPET_ROUTES,
  ...EVENT_TYPE_ROUTES,
  ...REJECTED_ROUTES,
  ...HELD_ROUTES,
  ...DEAD_LETTER_ROUTES,
  ...STATS_ROUTES,
  ...COUNTER_ROUTES,
  ...SHARED_ROUTES,
  ...BADGE_ROUTES,
  ...OVERVIEW_ROUTES,
  ...SESSION_ROUTES,
  ...OTLP_ROUTES,
  ...STATE_ROUTES,
  ...DOCS_ROUTES,
  ...DASHBOARD_ROUTES,
];

const isOpen = ({ path }: Route): boolean => path.includes('/:');
const EXACT: ReadonlySet<string> = new Set(ROUTES.filter((route) => !isOpen(route)).map(({ path }) => path));
/** Routes that end in a parameter, by the path before it. */
const BY_PREFIX = ROUTES.filter(isOpen).map(
  ({ path, label }) => [path.slice(0, path.lastIndexOf('/') + 1), label] as const,
);

/** The route of a path, for metrics. There are few values, so strangers cannot create series. */
export function routeLabel(path: string): string {
  if (EXACT.has(path)) return path;
  return BY_PREFIX.find(([prefix]) => path.startsWith(prefix))?.[1] ?? 'other';
}

const SCOPES: ReadonlyMap<string, Route['scope']> = new Map(
  ROUTES.map(({ method, path, scope }) => [`${method.toUpperCase()} ${path.replace(/\/:\w+$/, '/')}`, scope]),
);

/** Scope of the route that answers; a path below a route has the scope of that route, whether or not it exists. */
function scopeOf(method: string, path: string): Route['scope'] {
  const asked = method === 'HEAD' ? 'GET' : method;
  const exact = SCOPES.get(`${asked} ${path}`);
  if (exact !== undefined) return exact;
  const parent = path.slice(0, path.lastIndexOf('/'));
  if (parent === '') return 'public';
  return SCOPES.get(`${asked} ${parent}/`) ?? scopeOf(method, parent);
}

/**
 * Puts the guard of its scope in front of every API route. The key of a page view is in its body, so its route checks
 * it.
 */
export function guardRoutes(
  guards: Readonly<Record<'ingest' | 'read' | 'counter' | 'admin', MiddlewareHandler>>,
): MiddlewareHandler {
  return function guardRoute(c, next) {
    const scope = scopeOf(c.req.method, c.req.path);
    return scope === 'public' || scope === 'browser' ? next() : guards[scope](c, next);
  };
}
