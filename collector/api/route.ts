import { createRoute, type RouteConfig } from '@hono/zod-openapi';
import type { Handler, Hono } from 'hono';
import type { ErrorCode } from '../errors.ts';
import type { Scope } from '../keys/store.ts';
import { OPEN, SECURITY, refusals } from './answers.ts';

/** What a route says of itself, for the guard, the metrics and the documentation; its responses are those of success. */
export interface RouteDefinition extends Omit<RouteConfig, 'security' | 'middleware'> {
  /** Scope of the key that it asks for; `public`: none. */
  readonly scope: Scope | 'public';
  readonly operationId: string;
  readonly summary: string;
  /** What it may answer instead, besides what its guard answers. */
  readonly errors?: readonly ErrorCode[];
  /** Form of its errors. @default problem */
  readonly errorForm?: 'problem' | 'otlp';
  /** For the documentation: an entry for each of these in place of its own. */
  readonly documentedAs?: readonly Pick<RouteConfig, 'path' | 'operationId' | 'summary' | 'request'>[];
  /** A page for people, or a part of one: not in the document. */
  readonly hide?: boolean;
}

/** A route as it stands in the table of all routes. */
export interface Route {
  readonly method: RouteConfig['method'];
  /** As Hono writes it: `/api/v1/events/:type`. */
  readonly path: string;
  readonly scope: Scope | 'public';
  /** Value of the metrics' label `route`: `/api/v1/events/{type}`. */
  readonly label: string;
  /** Entries of the OpenAPI document; none where it is hidden. */
  readonly documented: readonly RouteConfig[];
}

const GUARD_ERRORS: readonly ErrorCode[] = ['unauthorized', 'forbidden', 'too_many_requests'];

/**
 * Defines a route, once for all that is said of it. It is not given to `OpenAPIHono.openapi`: that would read and validate
 * bodies, which handlers do themselves, once.
 */
export function defineRoute(definition: RouteDefinition): Route {
  const { scope, errors = [], errorForm = 'problem', documentedAs, hide = false, ...config } = definition;
  const entry = createRoute({
    ...config,
    // A snippet's key is in the body or the query, for which OpenAPI has no scheme.
    security: scope === 'public' || scope === 'browser' ? OPEN : SECURITY,
    responses: {
      ...config.responses,
      ...refusals(errorForm, scope === 'public' ? errors : [...errors, ...GUARD_ERRORS]),
    },
  });
  return {
    method: config.method,
    path: entry.getRoutingPath(),
    scope,
    label: config.path,
    documented: hide ? [] : (documentedAs?.map((own) => createRoute({ ...entry, ...own })) ?? [entry]),
  };
}

/** Adds a route to an app. Its guard stands in front of all routes: see `routes.ts`. */
export function serve(app: Hono, route: Route, handler: Handler): void {
  app.on(route.method.toUpperCase(), route.path, handler);
}
