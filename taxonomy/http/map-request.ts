import { matchRoute, type RouteMatch } from '../routes/match.ts';
import { Facts } from './facts.ts';
import { RULES } from './rules.ts';
import type { HttpEvent, HttpMappingOptions, HttpRequest } from './types.ts';

const NOTHING: HttpEvent[] = [];
/** By which browsers say so: the first is the standard's (Fetch, "Sec-Purpose"). */
const AHEAD_HEADERS = ['sec-purpose', 'purpose', 'x-purpose', 'x-moz'];

/**
 * The events that one answered request amounts to (docs/design.md, "Events"): decided by the response, from what the
 * observer knows of it. Never throws, whatever the request.
 */
export function mapHttpRequest(request: HttpRequest, options: HttpMappingOptions): HttpEvent[] {
  const match = routeMatchOf(request.method, request.path, options);
  return match === undefined ? NOTHING : mapRequestOnRoute(request, match);
}

/** The same for a request whose route is known already (`routeMatchOf`). */
export function mapRequestOnRoute(request: HttpRequest, match: RouteMatch): HttpEvent[] {
  const { method } = request;
  if (method === 'HEAD' || method === 'OPTIONS' || isAhead(request)) return NOTHING;
  const { rule } = match.route;
  return rule === undefined ? NOTHING : RULES[rule].eventsOf(new Facts(request, match));
}

/** A browser that fetches what may be shown later: nobody has asked for it. */
function isAhead({ requestHeader }: HttpRequest): boolean {
  return AHEAD_HEADERS.some((name) => {
    const value = requestHeader(name);
    return value !== undefined && /\b(?:prefetch|prerender|preview)\b/i.test(value);
  });
}

/** The route that a request takes. What v2's web server answers any other path with is its app, and no page of it. */
export function routeMatchOf(method: string, path: string, options: HttpMappingOptions): RouteMatch | undefined {
  return matchRoute(method, path, options);
}

/** The template of the route that a request takes, of low cardinality; undefined if Clowder has none. */
export function routeOf(method: string, path: string, options: HttpMappingOptions): string | undefined {
  return routeMatchOf(method, path, options)?.route.template;
}
