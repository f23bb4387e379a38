import { hash } from 'node:crypto';
import { eventTraits, type EventType } from './event-types.ts';

/** Returns 128 bits of SHA-256 over the parts, as 32 hex digits. Parts are length-prefixed, so no two lists collide. */
function digest(parts: readonly string[]): string {
  let text = '';
  for (const part of parts) text += `${part.length}:${part}`;
  return hash('sha256', text, 'hex').slice(0, 32);
}

/**
 * Returns the identity of a request: the id that the edge gave it. If the trace begins with the request, the trace id ends in
 * the request's id. The trace id is then the identity, so that observers that know only the trace agree.
 *
 * @param traceId 32 hex digits, '' if there is none
 * @param requestId undefined if the observation has none; requests of one trace are then indistinguishable
 */
export function requestIdentity(traceId: string, requestId: string | undefined): string {
  return requestId === undefined || traceId.endsWith(requestId) ? traceId : requestId;
}

/**
 * Returns the id of an event derived from an HTTP request. Every observation of one request gives the same id.
 *
 * @param request as `requestIdentity` returns it
 * @param resourceId '' if the observer does not know it
 */
export function derivedEventId(request: string, type: string, resourceId: string): string {
  return digest(['request', request, type, resourceId]);
}

/**
 * Returns what distinguishes events of one request and type: the resource's id, or '' if the observer does not know it. Further
 * events of the type with unknown ids get `#1`, `#2`, … because one upload may store several files.
 *
 * @param fields of each event, by name, in the order of the events
 */
export function identitiesOf(
  events: readonly { readonly event: EventType; readonly fields: Readonly<Record<string, unknown>> }[],
): string[] {
  const unknown = new Map<EventType, number>();
  return events.map(({ event, fields }) => {
    for (const name of eventTraits[event].identity) {
      const value = fields[name];
      if (typeof value === 'string') return value;
    }
    const before = unknown.get(event) ?? 0;
    unknown.set(event, before + 1);
    return before === 0 ? '' : `#${before}`;
  });
}

/** Returns the id of an observation without trace or request id, from what makes its access log line unique. */
export function untracedEventId(type: string, resourceId: string, evidence: readonly string[]): string {
  return digest(['line', type, resourceId, ...evidence]);
}

/** Returns the id of an explicit event that has none of its own. A resent batch gives the same ids. */
export function explicitEventId(
  traceId: string,
  spanId: string,
  name: string,
  timeUnixNano: bigint,
  content: string,
): string {
  return digest(['explicit', traceId, spanId, name, String(timeUnixNano), content]);
}

/**
 * Returns the id of what a web server saw in one time window.
 *
 * @param component which web server
 * @param startMs Unix milliseconds
 * @param member which of several collectors counted it, since each sees only a part
 */
export function connectionsEventId(instance: string, component: string, startMs: number, member?: string): string {
  return digest(['connections', instance, component, String(startMs), ...(member === undefined ? [] : [member])]);
}

/**
 * Returns the id of an observation of an extraction job, the same for every observer.
 *
 * @param job the job's id, or extractor and resource if it has none
 * @param evidence what distinguishes this event from others of the type; empty if a job has only one
 */
export function extractionEventId(job: string, type: string, evidence: readonly string[]): string {
  return digest(['extraction', job, type, ...evidence]);
}

/** Returns the id of an event whose type occurs once per job, the same for every reporter. */
export function jobEventId(type: EventType, job: string, instance: string | undefined): string {
  return digest(['job', type, job, ...(instance === undefined ? [] : [instance])]);
}

/** Id of a CloudEvent: `source` and `id` together are its identity (CloudEvents 1.0, "id"). */
export function cloudEventId(source: string, id: string): string {
  return digest(['cloudevent', source, id]);
}

/** Id of an event whose own id another producer already used. A repeat from the same producer gets the same id. */
export function anothersEventId(producer: string, id: string): string {
  return digest(['stated', producer, id]);
}

/** Id of an event posted under an `Idempotency-Key`. */
export function idempotentEventId(keyId: string, idempotencyKey: string, index: number): string {
  return digest(['posted', keyId, idempotencyKey, String(index)]);
}

/**
 * Id of an event that a page's script states, from an id that the script made. It never equals one from other observers. @param
 * type the event's type
 */
export function browserEventId(id: string, type: string): string {
  return digest(['browser', id, type]);
}

/** Id of the end of a view. */
export function endedEventId(viewId: string): string {
  return digest(['ended', viewId]);
}
