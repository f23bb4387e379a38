import { ATTRIBUTE_OF_FIELD } from '../../taxonomy/attributes.ts';
import { bringsApiKey, clientKind } from '../../taxonomy/client.ts';
import { redactPath, redactQuery } from '../../taxonomy/redaction.ts';
import type { RouteMatch } from '../../taxonomy/routes/match.ts';
import { authMethodOf } from './auth-method.ts';
import type { Origin } from './origin.ts';
import type { Target } from './request-target.ts';
import { addPathIds } from './resource-ids.ts';
import type { CapturedAttributes, RequestHead } from './types.ts';

/** Methods that the semantic conventions know (HTTP spans, `http.request.method`); all others become `_OTHER`. */
const KNOWN_METHODS = new Set([
  'GET',
  'HEAD',
  'POST',
  'PUT',
  'DELETE',
  'CONNECT',
  'OPTIONS',
  'TRACE',
  'PATCH',
  'QUERY',
]);
const OTHER_METHOD = '_OTHER';

/** The server span's attributes that come from the request's head. */
export function headAttributes(
  head: RequestHead,
  target: Target,
  origin: Origin,
  match: RouteMatch | undefined,
): CapturedAttributes {
  const { method, headers, remoteAddress } = head;
  const known = KNOWN_METHODS.has(method);
  const attributes: CapturedAttributes = {
    'http.request.method': known ? method : OTHER_METHOD,
    'url.path': redactPath(target.path),
    'url.scheme': origin.scheme,
    'network.protocol.version': head.httpVersion === '2.0' ? '2' : head.httpVersion,
  };
  if (!known) attributes['http.request.method_original'] = method;
  if (target.query !== '') attributes['url.query'] = redactQuery(target.query);
  if (origin.host !== '') attributes['server.address'] = origin.host;
  if (origin.port !== undefined) attributes['server.port'] = origin.port;
  if (origin.clientAddress !== undefined) attributes['client.address'] = origin.clientAddress;
  if (remoteAddress !== undefined) attributes['network.peer.address'] = remoteAddress;
  const agent = headers['user-agent'];
  const kind = clientKind(agent, bringsApiKey(target.query, headers['x-api-key']));
  if (agent !== undefined && agent !== '') attributes['user_agent.original'] = agent;
  if (kind !== undefined) attributes['clowder.client.kind'] = kind;
  if (match !== undefined) {
    attributes['clowder.route'] = match.route.template;
    attributes[ATTRIBUTE_OF_FIELD.auth_method] = authMethodOf(headers, target.query, match.route.template);
    addPathIds(attributes, match);
  }
  return attributes;
}
