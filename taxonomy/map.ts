import { randomBytes } from 'node:crypto';
import {
  REFUTED_IDS,
  REFUTED_NAME,
  UNPARSED_NAME,
  fieldsOfAttributes,
  fieldsOfResource,
  isMarkedCaptured,
  numberAttribute,
  textAttribute,
  attribute,
} from './attributes.ts';
import { bringsApiKey, observedKind } from './client.ts';
import { describe, isSource, missingStated, type Draft, type EventIssue, type MapContext } from './describe.ts';
import { derivedEventId, explicitEventId, identitiesOf, untracedEventId } from './event-id.ts';
import { isEventType, type EventType } from './event-types.ts';
import type { FlatBody } from './flat-body.ts';
import { mapHttpRequest } from './http/map-request.ts';
import type { HttpRequest } from './http/types.ts';
import { isEventRoute } from './routes/match.ts';
import {
  SPAN_KIND_SERVER,
  type Attributes,
  type LogRecord,
  type SpanEventRecord,
  type SpanRecord,
} from './telemetry.ts';

export type { MapContext } from './describe.ts';

/** Prefix of the names of explicit events: log records' `eventName` and span events' `name`. */
const EXPLICIT_PREFIX = 'clowder.';

/** An event that telemetry amounts to, before it is known whether it was seen already. */
export interface Candidate {
  readonly body: FlatBody;
  /** The observation is marked: the proxy captured the request, and its own event is on the way or already here. */
  readonly waits: boolean;
  /** Keys that stand for this observation beside the event's id: a waiting one is settled by a strong one sharing a key. */
  readonly traceKey?: string;
  /** The strong observation: it settles those that wait. */
  readonly strong: boolean;
  /**
   * A view of a resource by a client, which the key stands for: a page, or, where there is a time, a call that a page
   * made. Calls within this time of their page, or of another call, are the same view.
   */
  readonly collapse?: { readonly key: string; readonly withinMs?: number };
}

/** An explicit event that can never be accepted, and why. */
export interface Rejection {
  readonly code: string;
  readonly message: string;
  readonly record: unknown;
}

export interface MapResult {
  readonly candidates: readonly Candidate[];
  readonly rejected: readonly Rejection[];
  /** Ids of events that weaker observations would make, and that the capture saw did not happen. */
  readonly refuted?: readonly string[];
}

export interface MapContextOptions extends Partial<Omit<MapContext, 'now' | 'dayKey'>> {
  readonly now?: () => number;
  readonly dayKey?: (day: number) => string;
}

/** A context with defaults: any Clowder, no context path, addresses anonymised, a day key of this process alone. */
export function createMapContext(options: MapContextOptions = {}): MapContext {
  return {
    clowder: 'auto',
    contextPath: '',
    addressPolicy: 'anonymise',
    now: Date.now,
    dayKey: processDayKey(),
    ...options,
  };
}

function processDayKey(): (day: number) => string {
  const keys = new Map<number, string>();
  return (day) => {
    let key = keys.get(day);
    if (key === undefined) {
      if (keys.size > 3) keys.clear();
      key = randomBytes(32).toString('hex');
      keys.set(day, key);
    }
    return key;
  };
}

/** Whether a record or span event of this name states an event. */
export function isExplicitName(name: string): boolean {
  return name.startsWith(EXPLICIT_PREFIX);
}

/** Whether a request could make an event, whatever the answer was; cheap, for screening before anything is decoded. */
export function mayBeEvent(method: string, path: string, context: MapContext): boolean {
  return isEventRoute(method, path, context);
}

/** Events of a span: those its span events state, and those that its HTTP request, where it is a server's, amounts to. */
export function mapSpan(span: SpanRecord, context: MapContext): MapResult {
  const candidates: Candidate[] = [];
  const rejected: Rejection[] = [];
  for (const event of span.events) {
    if (isExplicitName(event.name)) collect(mapSpanEvent(event, span, context), candidates, rejected);
  }
  if (span.kind === SPAN_KIND_SERVER) {
    const source = textAttribute(span.attributes, 'clowder.source');
    collect(
      mapRequest(
        {
          attributes: span.attributes,
          resource: span.resource,
          traceId: span.traceId,
          spanId: span.spanId,
          traceState: span.traceState,
          startTimeUnixNano: span.startTimeUnixNano,
          durationMs:
            span.endTimeUnixNano > 0n ? Number(span.endTimeUnixNano - span.startTimeUnixNano) / 1e6 : undefined,
          source: isSource(source) ? source : 'sdk',
        },
        context,
      ),
      candidates,
      rejected,
    );
  }
  return { candidates, rejected };
}

/** Events of a log record: the one it states, or those that the request of an access-log record amounts to. */
export function mapLog(log: LogRecord, context: MapContext): MapResult {
  if (log.eventName === REFUTED_NAME) {
    const ids = textAttribute(log.attributes, REFUTED_IDS)?.split(',') ?? [];
    return { ...NOTHING, refuted: ids.filter((id) => /^[0-9a-f]{32}$/.test(id)) };
  }
  if (log.eventName === UNPARSED_NAME) return { ...NOTHING, rejected: [unparsed(log)] };
  if (isExplicitName(log.eventName)) {
    return mapExplicit(
      {
        name: log.eventName,
        timeUnixNano: log.timeUnixNano || log.observedTimeUnixNano,
        attributes: log.attributes,
        resource: log.resource,
        traceId: log.traceId,
        spanId: log.spanId,
        body: log.body,
      },
      context,
    );
  }
  if (attribute(log.attributes, 'http.request.method') === undefined) return NOTHING;
  const durationS = numberAttribute(log.attributes, 'http.server.request.duration');
  const end = log.timeUnixNano || log.observedTimeUnixNano;
  return mapRequest(
    {
      attributes: log.attributes,
      resource: log.resource,
      traceId: log.traceId,
      spanId: log.spanId,
      traceState: '',
      // An access log is written at the end of the request.
      startTimeUnixNano: durationS === undefined ? end : end - BigInt(Math.round(durationS * 1e3)) * 1_000_000n,
      durationMs: durationS === undefined ? undefined : durationS * 1e3,
      source: 'nginx',
    },
    context,
  );
}

const NOTHING: MapResult = { candidates: [], rejected: [] };

function collect(result: MapResult, candidates: Candidate[], rejected: Rejection[]): void {
  candidates.push(...result.candidates);
  rejected.push(...result.rejected);
}

interface Explicit {
  readonly name: string;
  readonly timeUnixNano: bigint;
  readonly attributes: Attributes;
  readonly resource: Attributes;
  readonly traceId: string;
  readonly spanId: string;
  readonly body: unknown;
}

function mapSpanEvent(event: SpanEventRecord, span: SpanRecord, context: MapContext): MapResult {
  const { attributes, name, timeUnixNano } = event;
  const { resource, traceId, spanId } = span;
  return mapExplicit({ attributes, name, timeUnixNano, resource, traceId, spanId, body: undefined }, context);
}

function mapExplicit(record: Explicit, context: MapContext): MapResult {
  const type = record.name.slice(EXPLICIT_PREFIX.length);
  const draft: Draft = {
    ...fieldsOfResource(record.resource),
    ...fieldsOfBody(record.body),
    ...fieldsOfAttributes(record.attributes),
  };
  draft['event'] = type;
  draft['created'] = record.timeUnixNano > 0n ? Number(record.timeUnixNano / 1_000_000n) : context.now();
  if (record.traceId !== '') draft['trace_id'] = record.traceId;
  if (record.spanId !== '') draft['span_id'] = record.spanId;
  if (!isSource(draft['source'])) draft['source'] = 'sdk';
  nameResource(type, draft);
  // The proxy's own are observations, made without knowing where extractors are.
  if (draft['source'] === 'proxy' && context.isExtractor !== undefined)
    draft['client_kind'] = kindOf(record.attributes, context, false);
  draft['event_id'] ??= explicitEventId(
    record.traceId,
    record.spanId,
    record.name,
    record.timeUnixNano,
    stableJson(draft),
  );
  const issues = draft['source'] === 'sdk' && isEventType(type) ? missingStated(type, draft) : [];
  const described = describe(draft, context);
  if (!described.ok || issues.length > 0) {
    return {
      candidates: [],
      rejected: [
        described.ok ? reject(issues, described.body) : reject([...issues, ...described.issues], described.draft),
      ],
    };
  }
  const strong = draft['source'] === 'proxy' && record.traceId !== '';
  const traceKey = strong ? traceKeyOf(record.traceId, described.body.event) : undefined;
  return {
    candidates: [
      {
        body: described.body,
        waits: false,
        strong,
        ...(traceKey && { traceKey }),
        ...collapseOf(described.body, record.attributes, strong),
      },
    ],
    rejected: [],
  };
}

/** A record may say within how many seconds views of one client and resource are the same (v2's pages). */
function collapseOf(body: FlatBody, attributes: Attributes, strong: boolean): Pick<Candidate, 'collapse'> {
  const seconds = numberAttribute(attributes, 'clowder.collapse_within_s');
  return seconds !== undefined || strong ? collapse(body, seconds) : {};
}

function collapse(body: FlatBody, seconds: number | undefined): Pick<Candidate, 'collapse'> {
  const key = viewKeyOf(body);
  return key === undefined ? {} : { collapse: { key, ...(seconds !== undefined && { withinMs: seconds * 1000 }) } };
}

/** Stands for "views of this resource by this client"; undefined for other events, and where the client is not known. */
export function viewKeyOf(body: FlatBody): string | undefined {
  const client = body['client_id'] ?? body['session_id'] ?? body['user_id'];
  if (body.event !== 'view.resource' || client === undefined) return undefined;
  return `${String(client)}|${String(body['resource_id'])}`;
}

function fieldsOfBody(body: unknown): Draft {
  if (typeof body !== 'object' || body === null || Array.isArray(body) || body instanceof Uint8Array) return {};
  // 64-bit integers of OTLP are bigint, fields are numbers.
  return Object.fromEntries(
    Object.entries(body).map(([field, value]) => [field, typeof value === 'bigint' ? Number(value) : value]),
  );
}

function stableJson(draft: Draft): string {
  return JSON.stringify(
    Object.entries(draft).sort(([a], [b]) => (a < b ? -1 : 1)),
    (_key, value: unknown) => (typeof value === 'bigint' ? String(value) : value),
  );
}

/** File events may be stated by `resource_id` alone; view and download events by `file_id` or `dataset_id`. */
export function nameResource(type: string, draft: Draft): void {
  if (type.startsWith('file.')) draft['file_id'] ??= draft['resource_id'];
  if (type === 'view.resource' || type === 'view.download') {
    const resourceType =
      draft['resource_type'] ??
      (draft['file_id'] !== undefined ? 'file' : draft['dataset_id'] !== undefined ? 'dataset' : undefined);
    draft['resource_type'] ??= resourceType;
    if (typeof resourceType === 'string') draft['resource_id'] ??= draft[`${resourceType}_id`];
  }
}

function reject(issues: readonly EventIssue[], record: unknown): Rejection {
  return { code: 'invalid_event', message: describeIssues(issues), record };
}

/** A line of a log that nobody could read: for an operator to see, in full, and where it stands. */
function unparsed({ attributes, body }: LogRecord): Rejection {
  const file = textAttribute(attributes, 'log.file.path') ?? textAttribute(attributes, 'log.file.name') ?? 'a log';
  const offset = textAttribute(attributes, 'log.file.record_offset');
  const place = offset === undefined ? file : `${file}, at byte ${offset},`;
  return {
    code: 'unparsed_line',
    message: `A line of ${place} has not the format that it is read by: set the log_format of docs/nginx.md`,
    record: { line: body, 'log.file.path': file, 'log.file.record_offset': offset },
  };
}

/** The issues in one sentence: which field, what it was, what it may be. */
export function describeIssues(issues: readonly EventIssue[]): string {
  return issues
    .map(
      ({ field, message, received, expected }) =>
        `${field} ${message}${received === undefined ? '' : `, was ${received}`}${expected === undefined ? '' : `, may be ${expected}`}`,
    )
    .join('; ');
}

interface ObservedRequest {
  readonly attributes: Attributes;
  readonly resource: Attributes;
  readonly traceId: string;
  readonly spanId: string;
  readonly traceState: string;
  readonly startTimeUnixNano: bigint;
  readonly durationMs: number | undefined;
  readonly source: string;
}

interface RequestTarget {
  readonly path: string;
  readonly query: string;
  readonly url: string;
}

function mapRequest(observed: ObservedRequest, context: MapContext): MapResult {
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
  };
  const found = mapHttpRequest(request, context);
  if (found.length === 0) return NOTHING;
  const marked = isMarkedCaptured(attributes, observed.traceState);
  const known = { ...fieldsOfResource(observed.resource), ...fieldsOfAttributes(attributes) };
  const candidates: Candidate[] = [];
  const rejected: Rejection[] = [];
  const fieldsOf = found.map(({ data }): Draft => ({ ...known, ...data }));
  const identities = identitiesOf(found.map(({ event }, index) => ({ event, fields: fieldsOf[index] ?? {} })));
  for (const [index, { event, collapseWithinS }] of found.entries()) {
    const draft: Draft = { ...fieldsOf[index], event, source: observed.source, url: target.url };
    draft['created'] =
      observed.startTimeUnixNano > 0n ? Number(observed.startTimeUnixNano / 1_000_000n) : context.now();
    if (event === 'health.ping') draft['target'] ??= target.url;
    draft['client_kind'] = kindOf(attributes, context, bringsApiKey(target.query, request.requestHeader('x-api-key')));
    if (observed.traceId !== '') draft['trace_id'] = observed.traceId;
    if (observed.spanId !== '') draft['span_id'] = observed.spanId;
    draft['event_id'] = requestEventId(observed, request, event, identities[index] ?? '');
    const described = describe(draft, context);
    if (!described.ok) {
      rejected.push(reject(described.issues, described.draft));
      continue;
    }
    const waits = marked && observed.traceId !== '';
    candidates.push({
      body: described.body,
      waits,
      strong: false,
      ...(waits && described.body['resource_id'] === undefined && { traceKey: traceKeyOf(observed.traceId, event) }),
      ...collapse(described.body, collapseWithinS),
    });
  }
  return { candidates, rejected };
}

function kindOf(attributes: Attributes, context: MapContext, bringsKey: boolean): unknown {
  const client = {
    userAgent: textAttribute(attributes, 'user_agent.original'),
    address: textAttribute(attributes, 'client.address'),
    stated: textAttribute(attributes, 'clowder.client.kind'),
    bringsKey,
  };
  return observedKind(client, context.isExtractor);
}

function requestEventId(observed: ObservedRequest, request: HttpRequest, event: EventType, resourceId: string): string {
  if (observed.traceId !== '') return derivedEventId(observed.traceId, event, resourceId);
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

/** Stands for "an event of this type in this trace", for observations that do not know the resource. */
export function traceKeyOf(traceId: string, type: string): string {
  return `${traceId}|${type}`;
}

function targetOf(attributes: Attributes): RequestTarget | undefined {
  const full = textAttribute(attributes, 'url.full') ?? textAttribute(attributes, 'http.url');
  const raw =
    textAttribute(attributes, 'url.path') ??
    textAttribute(attributes, 'http.target') ??
    (full === undefined ? undefined : full.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i, ''));
  if (raw === undefined) return undefined;
  const mark = raw.indexOf('?');
  const path = (mark === -1 ? raw : raw.slice(0, mark)).split('#', 1)[0] ?? '';
  const query = textAttribute(attributes, 'url.query')?.replace(/^\?/, '') ?? (mark === -1 ? '' : raw.slice(mark + 1));
  return {
    path: path === '' ? '/' : path,
    query,
    url:
      full !== undefined && /^[a-z]+:\/\//i.test(full)
        ? full
        : originOf(attributes) + path + (query === '' ? '' : `?${query}`),
  };
}

function originOf(attributes: Attributes): string {
  const host = textAttribute(attributes, 'server.address');
  if (host === undefined) return '';
  const scheme = textAttribute(attributes, 'url.scheme') ?? 'http';
  const port = host.includes(':') && !host.startsWith('[') ? undefined : textAttribute(attributes, 'server.port');
  const usual = scheme === 'https' ? '443' : '80';
  return `${scheme}://${host}${port === undefined || port === usual ? '' : `:${port}`}`;
}

function headerLookup(attributes: Attributes, side: 'request' | 'response'): (name: string) => string | undefined {
  return (name) => {
    if (side === 'request' && name === 'user-agent') return textAttribute(attributes, 'user_agent.original');
    const prefix = `http.${side}.header.`;
    return textAttribute(attributes, prefix + name) ?? textAttribute(attributes, prefix + name.replaceAll('-', '_'));
  };
}

/** NGINX's `$request_completion` is 'OK', or empty where the client left before the end. */
function completionOf(attributes: Attributes): boolean | undefined {
  const stated = attributes['clowder.download.complete'];
  if (typeof stated === 'boolean') return stated;
  const completion = attributes['nginx.request_completion'];
  return completion === undefined || completion === null ? undefined : completion === 'OK';
}

function defined<K extends string, V>(key: K, value: V | undefined): { [P in K]?: V } {
  return value === undefined ? {} : ({ [key]: value } as { [P in K]?: V });
}
