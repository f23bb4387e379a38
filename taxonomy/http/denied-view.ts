import { routeMatchOf } from './map-request.ts';
import type { RouteMatch } from '../routes/match.ts';
import { Facts } from './facts.ts';
import type { RuleName } from './rules.ts';
import type { HttpMappingOptions, HttpRequest } from './types.ts';

export interface DeniedView {
  readonly resource_type: 'file' | 'dataset';
  readonly resource_id: string;
}

const SHOWN: { readonly [rule in RuleName]?: DeniedView['resource_type'] } = {
  'browse-file': 'file',
  'browse-dataset': 'dataset',
};
/** The resource does not exist, or this person may not see it. */
const DENIALS = new Set([403, 404, 410]);

/** Returns the resource that a page of Clowder 2 was denied; that page shows nothing. */
export function deniedView(request: HttpRequest, options: HttpMappingOptions): DeniedView | undefined {
  const match = routeMatchOf(request.method, request.path, options);
  return match === undefined ? undefined : deniedOnRoute(request, match);
}

/** The same for a request whose route is already known. */
export function deniedOnRoute(request: HttpRequest, match: RouteMatch): DeniedView | undefined {
  const { rule } = match.route;
  const type = rule === undefined ? undefined : SHOWN[rule];
  if (type === undefined || request.method !== 'GET') return undefined;
  const facts = new Facts(request, match);
  const id = facts.pathId('id');
  // v2 may also answer 200 with null.
  const isDenied = DENIALS.has(request.status) || (facts.ok && facts.answer === null);
  if (!isDenied || id === undefined || facts.isAskedByAnother(type, id)) return undefined;
  return { resource_type: type, resource_id: id };
}
