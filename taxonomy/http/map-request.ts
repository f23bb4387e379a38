import { isOtherPage, matchRoute } from '../routes/match.ts';
import { Facts } from './facts.ts';
import { page, RULES } from './rules.ts';
import type { HttpEvent, HttpMappingOptions, HttpRequest } from './types.ts';

const NOTHING: HttpEvent[] = [];

/**
 * The events that one answered request amounts to (DESIGN.md, "Events"): decided by the response, from what the
 * observer knows of it. Never throws, whatever the request.
 */
export function mapHttpRequest(request: HttpRequest, options: HttpMappingOptions): HttpEvent[] {
  const { method } = request;
  if (method === 'HEAD' || method === 'OPTIONS') return NOTHING;
  const match = matchRoute(method, request.path, options);
  if (match === undefined) return isUnknownPage(request, options) ? page(new Facts(request, UNKNOWN)) : NOTHING;
  const rule = match.route.rule === undefined ? undefined : RULES[match.route.rule];
  return rule === undefined ? NOTHING : rule(new Facts(request, match));
}

const UNKNOWN = { route: { method: 'GET', template: '/*', rule: 'page', version: 'v2' }, params: {} } as const;

/** The template of the route that a request takes, of low cardinality; undefined where Clowder has none. */
export function routeOf(method: string, path: string, options: HttpMappingOptions): string | undefined {
  const template = matchRoute(method, path, options)?.route.template;
  return template ?? (isOtherPage(method, path, options) ? UNKNOWN.route.template : undefined);
}

/** v2's web server answers any path with its page. */
function isUnknownPage({ method, path, responseHeader }: HttpRequest, options: HttpMappingOptions): boolean {
  return isOtherPage(method, path, options) && /^text\/html/i.test(responseHeader('content-type') ?? '');
}
