import { randomUUID } from 'node:crypto';
import { context, diag, logs, type Context } from '@opentelemetry/api';
import { getBooleanFromEnv } from '@opentelemetry/core';
import type { EventType } from '../../taxonomy/event-types.ts';
import { stateEvent } from './statement.ts';
import { errorText } from '../../runtime/error-text.ts';

export const SCOPE_NAME = 'clowder-otel';

/**
 * Hands an event to the global logger provider, at once: as a log record `clowder.<type>` (docs/design.md, "Telemetry form").
 * It never throws. What is wrong with the event goes to `diag`; it is sent nevertheless, so that the collector's
 * rejected store has it.
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
    // Without a severity: no level that somebody configures for logs filters events.
    logs.getLogger(SCOPE_NAME).emit({ eventName: `clowder.${type}`, timestamp: at, attributes, context: within });
    return eventId;
  } catch (error) {
    tell(`${type} ${defaults.eventId} was not sent: ${errorText(error)}`);
    return defaults.eventId;
  }
}

/** Whether there is an SDK that takes events; the API alone drops them without a word. */
function isTaken(type: EventType): boolean {
  return logs.getLogger(SCOPE_NAME).enabled({ eventName: `clowder.${type}` });
}

let isTold = false;

/** Standard error, not `diag`: that is the SDK's to set up, and it is the SDK that is not there. */
function tellOnce(): void {
  if (isTold || getBooleanFromEnv('OTEL_SDK_DISABLED')) return;
  isTold = true;
  process.stderr.write(
    'clowder-otel: no event is sent: this program has no OpenTelemetry SDK that takes log records. Start it with ' +
      '"node --import clowder-otel/register …", or set up an SDK with DomainEventProcessor before the first event\n',
  );
}

/** Reports what is wrong through `diag`, as the SDK does, whatever its logger does. */
export function tell(problem: string): void {
  try {
    diag.error(`clowder-otel: ${problem}`);
  } catch {
    // A logger that fails has nobody to tell.
  }
}
