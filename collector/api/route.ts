import { createRoute, type RouteConfig, type RouteHandler, type z } from '@hono/zod-openapi';
import type { Context, Handler, Hono } from 'hono';
import type { ErrorCode } from '../errors.ts';
import type { Scope } from '../keys/store.ts';
import { OPEN, SECURITY, refusals } from './answers.ts';
import { readQuery } from './query.ts';

/** Of a key; `capture` opens no route, it says what counts of what is sent. */
type RouteScope = Exclude<Scope, 'capture'> | 'public';

/** What a route says of itself, for the guard, the metrics and the documentation; its responses are those of success. */
export interface RouteDefinition extends Omit<RouteConfig, 'security' | 'middleware' | 'hide'> {
  /** Scope of the key that it asks for; `public`: none. */
  readonly scope: RouteScope;
  readonly operationId: string;
  readonly summary: string;
  /** What it may answer instead, besides what its guard and its query answer. */
  readonly errors?: readonly ErrorCode[];
  /** Form of its errors. @default problem */
  readonly errorForm?: 'problem' | 'otlp' | 'counter';
  /** For the documentation: an entry for each of these in place of its own. */
  readonly documentedAs?: readonly Pick<RouteConfig, 'path' | 'operationId' | 'summary' | 'request'>[];
  /** Why it is not in the document. @default it is */
  readonly hidden?: string;
}

/** A route as it stands in the table of all routes. */
export interface Route {
  readonly method: RouteConfig['method'];
  /** As Hono writes it: `/api/v1/events/:type`. */
  readonly path: string;
  readonly scope: RouteScope;
  /** Value of the metrics' label `route`: `/api/v1/events/{type}`. */
  readonly label: string;
  /** Entries of the OpenAPI document; none where it is hidden. */
  readonly documented: readonly RouteConfig[];
  /** Why there are none. */
  readonly hidden: string | undefined;
}

/** A route with its definition, which the type of its handler comes from. */
export interface DefinedRoute<Definition extends RouteDefinition> extends Route {
  readonly definition: Definition;
}

type QueryOf<Definition> = Definition extends { readonly request: { readonly query: infer Query extends z.ZodType } }
  ? z.output<Query>
  : undefined;

/** Answers as the definition says: these statuses, with these bodies. Everything else it throws, as a CollectorError. */
type Serve<Definition extends RouteDefinition> = (
  c: Context,
  query: QueryOf<Definition>,
) => ReturnType<RouteHandler<Definition>>;

const GUARD_ERRORS: readonly ErrorCode[] = ['unauthorized', 'forbidden', 'too_many_requests'];

/**
 * Defines a route, once for all that is said of it. It is not given to `OpenAPIHono.openapi`: that would read and validate
 * bodies, which handlers do themselves, once.
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
    // A snippet's key is in the body or the query, for which OpenAPI has no scheme.
    security: scope === 'public' || scope === 'browser' ? OPEN : SECURITY,
    // Those of COUNTER have a form of their own, which its routes state.
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
 * Adds a route to an app. Its guard stands in front of all routes: see `routes.ts`. The query is read by its schema before
 * the handler is called; one that is wrong is answered invalid_query.
 */
export function serve<Definition extends RouteDefinition>(
  app: Hono,
  { method, path, definition }: DefinedRoute<Definition>,
  handler: Serve<Definition>,
): void {
  const schema: z.ZodType | undefined = definition.request?.query;
  // The compiler does not see through a type that depends on the definition: that it is an answer, and of this query.
  const answer: Handler = (c) =>
    handler(c, (schema && readQuery(c, schema)) as QueryOf<Definition>) as ReturnType<Handler>;
  app.on(method.toUpperCase(), path, answer);
}
