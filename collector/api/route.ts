import { createRoute, type RouteConfig, type RouteHandler, type z } from '@hono/zod-openapi';
import type { Context, Handler, Hono } from 'hono';
import type { ErrorCode } from '../errors.ts';
import type { Scope } from '../keys/store.ts';
import { OPEN, SECURITY, refusals } from './answers.ts';
import { readQuery } from './query.ts';

/** The key scope that a route needs. `capture` opens no route; it decides whether a sender is believed to be a capture. */
type RouteScope = Exclude<Scope, 'capture'> | 'public';

/** Describes a route to the guard, the metrics and the documentation. `responses` lists only those for success. */
export interface RouteDefinition extends Omit<RouteConfig, 'security' | 'middleware' | 'hide'> {
  /** Scope that the key needs; `public`: no key. */
  readonly scope: RouteScope;
  readonly operationId: string;
  readonly summary: string;
  /** Errors that the handler may throw. Those of the guard and of the query are added. */
  readonly errors?: readonly ErrorCode[];
  /** Format of errors. @default problem */
  readonly errorForm?: 'problem' | 'otlp' | 'counter';
  /** Entries that replace the route's own in the documentation. */
  readonly documentedAs?: readonly Pick<RouteConfig, 'path' | 'operationId' | 'summary' | 'request'>[];
  /** Why the OpenAPI document does not list it. @default it is listed */
  readonly hidden?: string;
}

/** A route in the table of all routes. */
export interface Route {
  readonly method: RouteConfig['method'];
  /** In Hono's syntax: `/api/v1/events/:type`. */
  readonly path: string;
  readonly scope: RouteScope;
  /** Value of the metrics' label `route`: `/api/v1/events/{type}`. */
  readonly label: string;
  /** Entries in the OpenAPI document; none if hidden. */
  readonly documented: readonly RouteConfig[];
  /** Why there are no entries. */
  readonly hidden: string | undefined;
}

/** A route with its definition, from which its handler gets its type. */
export interface DefinedRoute<Definition extends RouteDefinition> extends Route {
  readonly definition: Definition;
}

type QueryOf<Definition> = Definition extends { readonly request: { readonly query: infer Query extends z.ZodType } }
  ? z.output<Query>
  : undefined;

/** Returns only the statuses and bodies of the definition. All other outcomes are thrown as a CollectorError. */
type Serve<Definition extends RouteDefinition> = (
  c: Context,
  query: QueryOf<Definition>,
) => ReturnType<RouteHandler<Definition>>;

const GUARD_ERRORS: readonly ErrorCode[] = ['unauthorized', 'forbidden', 'too_many_requests'];

/**
 * The one definition of a route. It does not use `OpenAPIHono.openapi`, which would read and validate bodies; handlers do
 * that themselves, once.
 */
export function defineRoute<const Definition extends RouteDefinition>(
  definition: Definition,
): DefinedRoute<Definition> {
  const { scope, errors = [], errorForm = 'problem', documentedAs, hidden, ...config }: RouteDefinition = definition;
  const codes = [
    ...errors,
    ...(config.request?.query === undefined ? [] : (['invalid_query'] as const)),
    ...(scope === 'public' ? [] : GUARD_ERRORS),
  ];
  const entry = createRoute({
    ...config,
    // The snippet's key may be in the body, for which OpenAPI has no security scheme.
    security: scope === 'public' || scope === 'browser' ? OPEN : SECURITY,
    // COUNTER has an error format of its own, which its routes define.
    responses: { ...config.responses, ...(errorForm === 'counter' ? {} : refusals(errorForm, codes)) },
  });
  return {
    definition,
    method: config.method,
    path: entry.getRoutingPath(),
    scope,
    label: config.path,
    documented: hidden === undefined ? (documentedAs?.map((own) => createRoute({ ...entry, ...own })) ?? [entry]) : [],
    hidden,
  };
}

/**
 * Adds a route to an app. The guard runs before all routes (`routes.ts`). The query is parsed by its schema before the
 * handler is called; a wrong query gets invalid_query.
 */
export function serve<Definition extends RouteDefinition>(
  app: Hono,
  { method, path, definition }: DefinedRoute<Definition>,
  handler: Serve<Definition>,
): void {
  const schema: z.ZodType | undefined = definition.request?.query;
  // The casts are needed because the compiler cannot resolve types that depend on the definition.
  const answer: Handler = (c) =>
    handler(c, (schema && readQuery(c, schema)) as QueryOf<Definition>) as ReturnType<Handler>;
  app.on(method.toUpperCase(), path, answer);
}
