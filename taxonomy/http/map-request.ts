import { matchRoute, type RouteMatch } from '../routes/match.ts';
import { Facts } from './facts.ts';
import { RULES } from './rules.ts';
import type { HttpEvent, HttpMappingOptions, HttpRequest } from './types.ts';

const NOTHING: HttpEvent[] = [];
/** Headers by which browsers mark speculative requests; the first is the standard's (Fetch, "Sec-Purpose"). */
const AHEAD_HEADERS = ['sec-purpose', 'purpose', 'x-purpose', 'x-moz'];

/**
 * Returns the events of one answered request (docs/design.md, "Events"). The response decides, as far as the observer knows it.
 * Never throws, whatever the request.
 */
export function mapHttpRequest(request: HttpRequest, options: HttpMappingOptions): HttpEvent[] {
  const match = routeMatchOf(request.method, request.path, options);
  return match === undefined ? NOTHING : mapRequestOnRoute(request, match);
}

/** The same for a request whose route is already known (`routeMatchOf`). */
export function mapRequestOnRoute(request: HttpRequest, match: RouteMatch): HttpEvent[] {
  const { method } = request;
  if (method === 'HEAD' || method === 'OPTIONS' || isAhead(request)) return NOTHING;
  const { rule } = match.route;
  return rule === undefined ? NOTHING : RULES[rule].eventsOf(new Facts(request, match));
}

/** Whether a browser fetches something that nobody has asked to see yet. */
function isAhead({ requestHeader }: HttpRequest): boolean {
  return AHEAD_HEADERS.some((name) => {
    const value = requestHeader(name);
    return value !== undefined && /\b(?:prefetch|prerender|preview)\b/i.test(value);
  });
}

/** Returns the route of a request. v2's web server answers any other path with its app, but such a path is not a page. */
export function routeMatchOf(method: string, path: string, options: HttpMappingOptions): RouteMatch | undefined {
  return matchRoute(method, path, options);
}

/** Returns the template of a request's route, with low cardinality; undefined if Clowder has no such route. */
export function routeOf(method: string, path: string, options: HttpMappingOptions): string | undefined {
  return routeMatchOf(method, path, options)?.route.template;
}
