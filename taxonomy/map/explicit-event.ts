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

/** Prefix of the names of explicit events: log records' `eventName` and span events' `name`. */
const EXPLICIT_PREFIX = 'clowder.';

/** Whether a record or span event of this name states an event. */
export function isExplicitName(name: string): boolean {
  return name.startsWith(EXPLICIT_PREFIX);
}

/** A record that states an event: a log record, or a span event with its span. */
interface Explicit {
  readonly name: string;
  readonly timeUnixNano: bigint;
  readonly attributes: Attributes;
  readonly resource: Attributes;
  readonly traceId: string;
  readonly spanId: string;
  readonly body: unknown;
}

/** The event that a span event states. */
export function mapSpanEvent(event: SpanEventRecord, span: SpanRecord, context: MapContext): MapResult {
  const { attributes, name, timeUnixNano } = event;
  const { resource, traceId, spanId } = span;
  return mapExplicit({ attributes, name, timeUnixNano, resource, traceId, spanId, body: undefined }, context);
}

/** The event that a record states, or why it is none. */
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
  // Captures of the version before are known by their source alone.
  const isCaptured = saysCaptured(record.attributes) || draft['source'] === 'proxy';
  // A capture's own are observations, made without knowing where extractors are.
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
  // A capture in front may see the same request, and knows the client: this one's word waits for that one's.
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
 * Ids that captures make are the same for every observer of a request: they are no producer's own. Of those that are not
 * believed, that is an id which follows from what the record says of its request, as it does from everybody's span.
 */
function isOfItsRequest(draft: Draft, type: EventType, isBelieved: boolean, record: Explicit): boolean {
  const id = draft['event_id'];
  if (isBelieved) return typeof id === 'string' && /^[0-9a-f]{32}$/.test(id);
  const identity = requestIdentity(record.traceId, statedRequestId(record.attributes));
  const [resource = ''] = identitiesOf([{ event: type, fields: draft }]);
  return identity !== '' && id === derivedEventId(identity, type, resource);
}

/** An issue by the name that its sender knows: the attribute's; of a field of the body, the field's. */
function asSent(issue: EventIssue, { attributes, body }: Explicit): EventIssue {
  const isOfBody = typeof body === 'object' && body !== null && Object.hasOwn(body, issue.field);
  const field = attributeNameOf(issue.field, attributes);
  return isOfBody && attributes[field] === undefined ? issue : { ...issue, field };
}

const WARNINGS_MAX = 5;

/** Attributes of ours that there are not: what they say is not in the event. And that the sender is no capture to us. */
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

/** A record may say within how many seconds views of one client and resource are the same (v2's pages). */
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
