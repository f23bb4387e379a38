/** Defines events, and maps telemetry to them. Pure: no I/O, no clock of its own. */
export { ATTRIBUTE_OF_FIELD } from './attributes.ts';
export {
  eventSchemas,
  eventTraits,
  EVENT_TYPES,
  isEventType,
  type ClowderEvent,
  type EventType,
} from './event-types.ts';
export { derivedEventId } from './event-id.ts';
export type { FlatBody } from './flat-body.ts';
export { createMapContext, type MapContext } from './map/context.ts';
export { mapLog, mapSpan } from './map.ts';
export type { Candidate, MapResult, Rejection } from './map/candidate.ts';
export { mapHttpRequest, routeOf } from './http/map-request.ts';
export type { HttpEvent, HttpMappingOptions, HttpRequest } from './http/types.ts';
export { redactQuery, redactText, redactUrl } from './redaction.ts';
export type { LogRecord, SpanRecord } from './telemetry.ts';
