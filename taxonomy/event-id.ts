import { hash } from 'node:crypto';
import { eventTraits, type EventType } from './event-types.ts';

/** 128 bits of SHA-256 over the parts, as 32 hex digits. Parts are length-prefixed, so that no two lists collide. */
function digest(parts: readonly string[]): string {
  let text = '';
  for (const part of parts) text += `${part.length}:${part}`;
  return hash('sha256', text, 'hex').slice(0, 32);
}

/**
 * What a request is known by: the id that the edge gave it. A trace that begins with the request ends in that id, and
 * says the same to whoever knows the trace alone.
 *
 * @param traceId 32 hex digits, '' if there is none
 * @param requestId undefined if the observation carries none: then requests of one trace cannot be told apart
 */
export function requestIdentity(traceId: string, requestId: string | undefined): string {
  return requestId === undefined || traceId.endsWith(requestId) ? traceId : requestId;
}

/**
 * Id of an event derived from an HTTP request: what it describes. Every observation of one request gives the same id.
 *
 * @param request as `requestIdentity` gives it
 * @param resourceId '' if the observer does not know it
 */
export function derivedEventId(request: string, type: string, resourceId: string): string {
  return digest(['request', request, type, resourceId]);
}

/**
 * What tells the events of one request apart, beside their type: the resource's id; '' if the observer does not know
 * it, and `#1`, `#2`, … for further ones of the type that it does not know (one upload may store several files).
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

/** Id of an observation that has neither trace nor request id: what makes one line of an access log that line. */
export function untracedEventId(type: string, resourceId: string, evidence: readonly string[]): string {
  return digest(['line', type, resourceId, ...evidence]);
}

/** Id of an explicit event that brings none of its own. A resent batch gives the same one. */
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
 * Id of what a web server saw in one window of time.
 *
 * @param component which web server
 * @param startMs Unix milliseconds
 * @param member which of several collectors counted it, as each sees a part
 */
export function connectionsEventId(instance: string, component: string, startMs: number, member?: string): string {
  return digest(['connections', instance, component, String(startMs), ...(member === undefined ? [] : [member])]);
}

/**
 * Id of what was observed of an extraction job, whoever observes it.
 *
 * @param job its id; extractor and resource if it has none
 * @param evidence what tells this from others of the type: empty if a job has one of it
 */
export function extractionEventId(job: string, type: string, evidence: readonly string[]): string {
  return digest(['extraction', job, type, ...evidence]);
}

/** Id of the one event of its type that a job has, whoever reports it: the same wherever it is reported. */
export function jobEventId(type: EventType, job: string, instance: string | undefined): string {
  return digest(['job', type, job, ...(instance === undefined ? [] : [instance])]);
}

/** Id of a CloudEvent: `source` and `id` together are its identity (CloudEvents 1.0, "id"). */
export function cloudEventId(source: string, id: string): string {
  return digest(['cloudevent', source, id]);
}

/** Id of an event whose own id another producer has used before: the same for each that this one states again. */
export function anothersEventId(producer: string, id: string): string {
  return digest(['stated', producer, id]);
}

/** Id of an event posted under an `Idempotency-Key`. */
export function idempotentEventId(keyId: string, idempotencyKey: string, index: number): string {
  return digest(['posted', keyId, idempotencyKey, String(index)]);
}

/** Id of what a page's script states, by an id that it made: never one of what others observe. @param type of the event */
export function browserEventId(id: string, type: string): string {
  return digest(['browser', id, type]);
}

/** Id of the end of a view. */
export function endedEventId(viewId: string): string {
  return digest(['ended', viewId]);
}
