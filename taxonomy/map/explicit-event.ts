import {
  DENIED,
  INNER_REQUEST_ID,
  OUTER_REQUEST_ID,
  attributeNameOf,
  fieldsOfAttributes,
  fieldsOfResource,
  misspelt,
  numberAttribute,
} from '../attributes.ts';
import { checkDraft, isSource, missingStated, type Draft, type EventIssue } from '../check-draft.ts';
import { derivedEventId, explicitEventId, identitiesOf, requestIdentity } from '../event-id.ts';
import { isEventType, type EventType } from '../event-types.ts';
import type { FlatBody } from '../flat-body.ts';
import type { Attributes, SpanEventRecord, SpanRecord } from '../telemetry.ts';
import { NOTHING, NOT_BELIEVED, reject, type Candidate, type MapResult } from './candidate.ts';
import type { MapContext } from './context.ts';
import { otherCaptureOf, saysCaptured, statedRequestId } from './edge-mark.ts';
import { collapse, denialOf, requestKeyOf, weakKeyOf } from './keys.ts';
import { nameResource } from './name-resource.ts';
import { kindOf } from './observed-kind.ts';
import { cut } from '../text.ts';

/** Prefix of explicit event names, in a log record's `eventName` or a span event's `name`. */
const EXPLICIT_PREFIX = 'clowder.';

/** Whether a record or span event with this name states an event. */
export function isExplicitName(name: string): boolean {
  return name.startsWith(EXPLICIT_PREFIX);
}

/** A record that states an event: a log record, or a span event with its span's context. */
interface Explicit {
  readonly name: string;
  readonly timeUnixNano: bigint;
  readonly attributes: Attributes;
  readonly resource: Attributes;
  readonly traceId: string;
  readonly spanId: string;
  readonly body: unknown;
}

/** Returns the event that a span event states. */
export function mapSpanEvent(event: SpanEventRecord, span: SpanRecord, context: MapContext): MapResult {
  const { attributes, name, timeUnixNano } = event;
  const { resource, traceId, spanId } = span;
  return mapExplicit({ attributes, name, timeUnixNano, resource, traceId, spanId, body: undefined }, context);
}

/** Returns the event that a record states, or the reason for rejecting it. */
export function mapExplicit(record: Explicit, context: MapContext): MapResult {
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
  if (isEventType(type)) nameResource(type, draft);
  // Captures of the previous version are known only by their source.
  const isCaptured = saysCaptured(record.attributes) || draft['source'] === 'proxy';
  // A capture's events are observations, made without knowing the addresses of extractors.
  if (isCaptured && context.isExtractor !== undefined) draft['client_kind'] = kindOf(record.attributes, context, false);
  const isBelieved = isCaptured && context.believesCaptures;
  const isOfRequest = isCaptured && isEventType(type) && isOfItsRequest(draft, type, isBelieved, record);
  const isStated = draft['event_id'] !== undefined && !isOfRequest;
  draft['event_id'] ??= explicitEventId(
    record.traceId,
    record.spanId,
    record.name,
    record.timeUnixNano,
    stableJson(draft),
  );
  const issues = draft['source'] === 'sdk' && !isCaptured && isEventType(type) ? missingStated(type, draft) : [];
  const checked = checkDraft(draft, context);
  if (!checked.ok || issues.length > 0) {
    const all = checked.ok ? issues : [...issues, ...checked.issues];
    const named = all.map((issue) => asSent(issue, record));
    return { candidates: [], rejected: [reject(named, checked.ok ? checked.body : checked.draft, record.resource)] };
  }
  const requestId = statedRequestId(record.attributes);
  const request = requestId ?? record.traceId;
  const isCapture = isCaptured && request !== '';
  // A capture in front may see the same request and knows the client, so this capture's event waits for it.
  const waits = isCapture && otherCaptureOf(record.attributes, OUTER_REQUEST_ID) !== undefined;
  const strong = isBelieved && isCapture && !waits;
  const requestKey = !isCapture
    ? undefined
    : isBelieved
      ? requestKeyOf(request, checked.body.event)
      : weakKeyOf(checked.body, requestId, waits);
  const inner = strong ? otherCaptureOf(record.attributes, INNER_REQUEST_ID) : undefined;
  const collapsed = collapseOf(checked.body, record.attributes, isCaptured, context);
  if (record.attributes[DENIED] === true)
    return context.believesCaptures
      ? { ...NOTHING, denied: denialOf(checked.body, collapsed) }
      : { ...NOTHING, warnings: [NOT_BELIEVED] };
  return {
    candidates: [
      {
        body: checked.body,
        waits,
        strong,
        ...(requestKey && { requestKey }),
        ...(inner !== undefined && { innerKey: requestKeyOf(inner, checked.body.event) }),
        ...(isStated && { stated: true }),
        ...collapsed,
      },
    ],
    rejected: [],
    ...warningsOf(record.attributes, isCaptured && !isBelieved),
  };
}

/**
 * Whether the id belongs to the request. Ids made by captures are the same for every observer, so they are no producer's own.
 * For captures that are not believed, the id must follow from the record's own request id, as in ordinary spans.
 */
function isOfItsRequest(draft: Draft, type: EventType, isBelieved: boolean, record: Explicit): boolean {
  const id = draft['event_id'];
  if (isBelieved) return typeof id === 'string' && /^[0-9a-f]{32}$/.test(id);
  const identity = requestIdentity(record.traceId, statedRequestId(record.attributes));
  const [resource = ''] = identitiesOf([{ event: type, fields: draft }]);
  return identity !== '' && id === derivedEventId(identity, type, resource);
}

/** Returns the issue with the name that its sender used: the attribute, or the field if the body has it. */
function asSent(issue: EventIssue, { attributes, body }: Explicit): EventIssue {
  const isOfBody = typeof body === 'object' && body !== null && Object.hasOwn(body, issue.field);
  const field = attributeNameOf(issue.field, attributes);
  return isOfBody && attributes[field] === undefined ? issue : { ...issue, field };
}

const WARNINGS_MAX = 5;

/**
 * Warns about unknown attributes with our prefix, whose values are lost, and about a sender that may not speak for a capture.
 */
function warningsOf(attributes: Attributes, isNotBelieved: boolean): Pick<MapResult, 'warnings'> {
  const unknown = misspelt(attributes)
    .slice(0, WARNINGS_MAX)
    .map(({ name, meant }) => {
      const hint = meant === undefined ? '' : `, perhaps ${meant} was meant`;
      return `There is no attribute ${JSON.stringify(cut(name, 100))}${hint}: it was left out`;
    });
  const warnings = isNotBelieved ? [NOT_BELIEVED, ...unknown] : unknown;
  return warnings.length > 0 ? { warnings } : {};
}

/** A record may state within how many seconds views of one client and resource are the same (v2's pages). */
function collapseOf(
  body: FlatBody,
  attributes: Attributes,
  isCaptured: boolean,
  context: MapContext,
): Pick<Candidate, 'collapse'> {
  const seconds = numberAttribute(attributes, 'clowder.collapse_within_s');
  const isObserved = isCaptured || seconds !== undefined;
  return isObserved ? collapse(body, seconds, context.clowder !== 'v1') : {};
}

function fieldsOfBody(body: unknown): Draft {
  if (typeof body !== 'object' || body === null || Array.isArray(body) || body instanceof Uint8Array) return {};
  // OTLP's 64-bit integers are bigint, but fields are numbers.
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
