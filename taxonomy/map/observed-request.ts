import { fieldsOfAttributes, fieldsOfResource, numberAttribute, textAttribute } from '../attributes.ts';
import { checkDraft, type Draft } from '../check-draft.ts';
import { bringsApiKey } from '../client.ts';
import { derivedEventId, identitiesOf, requestIdentity, untracedEventId } from '../event-id.ts';
import type { EventType } from '../event-types.ts';
import { deniedView } from '../http/denied-view.ts';
import { mapHttpRequest } from '../http/map-request.ts';
import type { HttpRequest } from '../http/types.ts';
import type { Attributes } from '../telemetry.ts';
import { NOTHING, reject, type Candidate, type MapResult, type Rejection } from './candidate.ts';
import type { MapContext } from './context.ts';
import { edgeMarkOf } from './edge-mark.ts';
import { collapse, denialOf, weakKeyOf } from './keys.ts';
import { kindOf } from './observed-kind.ts';
import { targetOf, type RequestTarget } from './request-target.ts';

/** An HTTP request as a server span or an access log line describes it. */
export interface ObservedRequest {
  readonly attributes: Attributes;
  readonly resource: Attributes;
  readonly traceId: string;
  readonly spanId: string;
  readonly traceState: string;
  readonly startTimeUnixNano: bigint;
  readonly durationMs: number | undefined;
  readonly source: string;
}

/** Returns the events of an observed request. */
export function mapRequest(observed: ObservedRequest, context: MapContext): MapResult {
  const { attributes } = observed;
  const method = textAttribute(attributes, 'http.request.method');
  const target = targetOf(attributes);
  if (method === undefined || target === undefined) return NOTHING;
  const request: HttpRequest = {
    method,
    path: target.path,
    query: target.query,
    status: numberAttribute(attributes, 'http.response.status_code') ?? 0,
    requestHeader: headerLookup(attributes, 'request'),
    responseHeader: headerLookup(attributes, 'response'),
    ...defined('bytesSent', numberAttribute(attributes, 'http.response.body.size')),
    ...defined('complete', completionOf(attributes)),
    ...defined('durationMs', observed.durationMs),
    answeredMs: context.now(),
  };
  const found = mapHttpRequest(request, context);
  if (found.length === 0) return deniedIn(request, observed, target, context);
  const mark = edgeMarkOf(attributes, observed.traceState);
  const identity = requestIdentity(observed.traceId, mark.requestId);
  const known: Draft = { ...fieldsOfResource(observed.resource), ...fieldsOfAttributes(attributes) };
  // A log records the user name from the request. For public content nobody has checked that name.
  if (observed.source === 'nginx' && method === 'GET') delete known['user_name'];
  const candidates: Candidate[] = [];
  const rejected: Rejection[] = [];
  const fieldsOf = found.map(({ data }): Draft => ({ ...known, ...data }));
  const identities = identitiesOf(found.map(({ event }, index) => ({ event, fields: fieldsOf[index] ?? {} })));
  for (const [index, { event, collapseWithinS }] of found.entries()) {
    const draft = fieldsOf[index] ?? {};
    draft['event'] = event;
    draft['source'] = observed.source;
    draft['url'] = target.url;
    draft['created'] =
      observed.startTimeUnixNano > 0n ? Number(observed.startTimeUnixNano / 1_000_000n) : context.now();
    if (event === 'health.ping') draft['target'] ??= target.url;
    draft['client_kind'] = kindOf(attributes, context, bringsApiKey(target.query, request.requestHeader('x-api-key')));
    if (observed.traceId !== '') draft['trace_id'] = observed.traceId;
    if (observed.spanId !== '') draft['span_id'] = observed.spanId;
    draft['event_id'] = requestEventId(identity, observed, request, event, identities[index] ?? '');
    const checked = checkDraft(draft, context);
    if (!checked.ok) {
      rejected.push(reject(checked.issues, checked.draft, observed.resource));
      continue;
    }
    const waits = mark.captured && identity !== '';
    const requestKey = weakKeyOf(checked.body, mark.requestId, waits);
    candidates.push({
      body: checked.body,
      waits,
      strong: false,
      ...(requestKey !== undefined && { requestKey }),
      ...collapse(checked.body, collapseWithinS, context.clowder !== 'v1'),
    });
  }
  return { candidates, rejected };
}

/** Returns what a page was denied, for whom and when. */
function deniedIn(
  request: HttpRequest,
  observed: ObservedRequest,
  { url }: RequestTarget,
  context: MapContext,
): MapResult {
  const denied = deniedView(request, context);
  if (denied === undefined) return NOTHING;
  const { attributes, resource, source, startTimeUnixNano } = observed;
  const created = startTimeUnixNano > 0n ? Number(startTimeUnixNano / 1_000_000n) : context.now();
  const known: Draft = { ...fieldsOfResource(resource), ...fieldsOfAttributes(attributes), ...denied };
  const draft = { ...known, event: 'view.resource', event_id: 'denied', source, url, created };
  const checked = checkDraft(draft, context);
  return checked.ok ? { ...NOTHING, denied: denialOf(checked.body, collapse(checked.body, undefined, true)) } : NOTHING;
}

function requestEventId(
  identity: string,
  observed: ObservedRequest,
  request: HttpRequest,
  event: EventType,
  resourceId: string,
): string {
  if (identity !== '') return derivedEventId(identity, event, resourceId);
  const { attributes } = observed;
  return untracedEventId(event, resourceId, [
    String(observed.startTimeUnixNano),
    textAttribute(attributes, 'client.address') ?? '',
    textAttribute(attributes, 'user_agent.original') ?? '',
    textAttribute(attributes, 'log.file.position') ?? textAttribute(attributes, 'log.file.record_offset') ?? '',
    request.method,
    request.path,
    request.query,
  ]);
}

function headerLookup(attributes: Attributes, side: 'request' | 'response'): (name: string) => string | undefined {
  const names = HEADER_NAMES[side];
  return (name) => {
    if (side === 'request' && name === 'user-agent') return textAttribute(attributes, 'user_agent.original');
    let asked = names.get(name);
    if (asked === undefined) names.set(name, (asked = namesOfHeader(side, name)));
    return textAttribute(attributes, asked.current) ?? (asked.former && textAttribute(attributes, asked.former));
  };
}

/** Attribute names for each header, cached: the rules ask for the same few dozen headers in each request. */
const HEADER_NAMES = { request: new Map<string, HeaderNames>(), response: new Map<string, HeaderNames>() };

interface HeaderNames {
  readonly current: string;
  /** Undefined if it equals the current name. */
  readonly former: string | undefined;
}

function namesOfHeader(side: 'request' | 'response', name: string): HeaderNames {
  const prefix = `http.${side}.header.`;
  return { current: prefix + name, former: name.includes('-') ? prefix + name.replaceAll('-', '_') : undefined };
}

/** NGINX's `$request_completion` is 'OK', or empty if the client left before the end. */
function completionOf(attributes: Attributes): boolean | undefined {
  const stated = attributes['clowder.download.complete'];
  if (typeof stated === 'boolean') return stated;
  const completion = attributes['nginx.request_completion'];
  return completion === undefined || completion === null ? undefined : completion === 'OK';
}

function defined<K extends string, V>(key: K, value: V | undefined): { [P in K]?: V } {
  return value === undefined ? {} : ({ [key]: value } as { [P in K]?: V });
}
