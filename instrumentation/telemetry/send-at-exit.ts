import type { ReadableLogRecord } from '@opentelemetry/sdk-logs';
import { spawnSync } from 'node:child_process';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { LastEvents } from './last-events.ts';

const SENDER = fileURLToPath(new URL(`./exit-sender${extname(import.meta.url)}`, import.meta.url));
const TIMEOUT_MS = 3000;

/**
 * Sends domain events while blocking the program: at its exit nothing asynchronous runs any more.
 *
 * @returns whether they were accepted in time
 */
export function sendAtExit(events: readonly ReadableLogRecord[]): boolean {
  const last: LastEvents = { resource: events[0]?.resource.attributes ?? {}, records: events.map(withoutResource) };
  const { status } = spawnSync(process.execPath, [SENDER], {
    input: JSON.stringify(last),
    stdio: ['pipe', 'ignore', 'ignore'],
    timeout: TIMEOUT_MS,
    // Do not preload us again.
    env: { ...process.env, NODE_OPTIONS: '' },
  });
  return status === 0;
}

/** The parts of a record that JSON can carry. */
function withoutResource(event: ReadableLogRecord): LastEvents['records'][number] {
  const { hrTime, hrTimeObserved, attributes, instrumentationScope, droppedAttributesCount } = event;
  const { eventName = '', spanContext: context } = event;
  return {
    hrTime,
    hrTimeObserved,
    eventName,
    attributes,
    instrumentationScope,
    droppedAttributesCount,
    ...(context !== undefined && {
      spanContext: { traceId: context.traceId, spanId: context.spanId, traceFlags: context.traceFlags },
    }),
  };
}
