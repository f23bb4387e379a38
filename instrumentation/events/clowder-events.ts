import { EVENT_TYPES, type EventType } from '../../taxonomy/event-types.ts';
import { emitEvent } from './emit-event.ts';
import { functionName, type EventInput, type FunctionName } from './properties.ts';

/** One function for each event type: `file.uploaded` is `fileUploaded`. */
export type ClowderEvents = {
  readonly [T in EventType as FunctionName<T>]: (event: EventInput<T>) => string;
};

/**
 * States that something happened: each function sends one event, in the active span's trace, and returns its id
 * (`clowder.event.id`). Fields are those of docs/events.md in camelCase. They go to the global OTel logger provider at
 * once; without one, nowhere.
 *
 * They never throw: what is wrong with an event goes to OTel's `diag`, and the collector rejects and keeps the event.
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
