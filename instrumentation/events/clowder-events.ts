import { EVENT_TYPES, type EventType } from '../../taxonomy/event-types.ts';
import { emitEvent } from './emit-event.ts';
import { functionName, type EventInput, type FunctionName } from './properties.ts';

/** One function for each event type: `file.uploaded` is `fileUploaded`. */
export type ClowderEvents = {
  readonly [T in EventType as FunctionName<T>]: (event: EventInput<T>) => string;
};

/**
 * Reports that something happened. Each function sends one event, in the active span's trace, and returns the event's id
 * (`clowder.event.id`). The fields are those of docs/events.md in camelCase. Events go to the global OTel logger provider at
 * once; without one, they are dropped.
 *
 * The functions never throw. Problems with an event go to OTel's `diag`; the collector rejects the event and keeps it.
 *
 * @example
 * clowderEvents.fileUploaded({ fileId, datasetId, bytes: 1024 });
 * clowderEvents.viewDownload({ resourceType: 'file', resourceId: fileId, at: new Date(startedAt) });
 */
export const clowderEvents = Object.fromEntries(
  EVENT_TYPES.map((type) => [
    functionName(type),
    (event: Readonly<Record<string, unknown>>): string => emitEvent(type, event),
  ]),
) as unknown as ClowderEvents;
