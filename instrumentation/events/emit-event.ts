import { randomUUID } from 'node:crypto';
import { context, diag, logs, type Context } from '@opentelemetry/api';
import { getBooleanFromEnv } from '@opentelemetry/core';
import type { EventType } from '../../taxonomy/event-types.ts';
import { stateEvent } from './statement.ts';
import { errorText } from '../../runtime/error-text.ts';

export const SCOPE_NAME = 'clowder-otel';

/**
 * Passes an event to the global logger provider at once, as a log record `clowder.<type>` (docs/design.md, "Telemetry form").
 * Never throws. Problems with the event go to `diag`; the event is sent nevertheless, to reach the collector's rejected store.
 *
 * @param input by the names of `EventInput`
 * @param within the context whose span the event belongs to
 * @returns the event's id
 */
export function emitEvent(
  type: EventType,
  input: Readonly<Record<string, unknown>>,
  within: Context = context.active(),
): string {
  const defaults = { eventId: randomUUID(), at: new Date() };
  try {
    const { eventId, at, attributes, problems } = stateEvent(type, input, defaults);
    if (!isTaken(type)) tellOnce();
    if (problems.length > 0) tell(`${type} ${eventId}: ${problems.join('; ')}`);
    // Without a severity, so no log level filters events.
    logs.getLogger(SCOPE_NAME).emit({ eventName: `clowder.${type}`, timestamp: at, attributes, context: within });
    return eventId;
  } catch (error) {
    tell(`${type} ${defaults.eventId} was not sent: ${errorText(error)}`);
    return defaults.eventId;
  }
}

/** Whether an SDK takes events; the API alone drops them silently. */
function isTaken(type: EventType): boolean {
  return logs.getLogger(SCOPE_NAME).enabled({ eventName: `clowder.${type}` });
}

let isTold = false;

/** Uses standard error: `diag` is set up by the SDK, which is what is missing. */
function tellOnce(): void {
  if (isTold || getBooleanFromEnv('OTEL_SDK_DISABLED')) return;
  isTold = true;
  process.stderr.write(
    'clowder-otel: no event is sent: this program has no OpenTelemetry SDK that takes log records. Start it with ' +
      '"node --import clowder-otel/register …", or set up an SDK with DomainEventProcessor before the first event\n',
  );
}

/** Reports a problem through `diag`, as the SDK does, and ignores errors of its logger. */
export function tell(problem: string): void {
  try {
    diag.error(`clowder-otel: ${problem}`);
  } catch {
    // A failing logger cannot report its own failure.
  }
}
