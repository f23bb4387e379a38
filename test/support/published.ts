import type { ExpectedEvent } from '../stand-in/scenarios/scenario.ts';
import type { CollectorProcess } from './collector-process.ts';
import type { EventSink, ReceivedEvent } from './consumer.ts';
import { waitFor } from './wait-for.ts';

/** Fields that tests cannot predict, or that derive from others and are tested elsewhere. */
const UNFORESEEABLE = new Set(
  'event_id created auth_method trace_id span_id response_time_ms target referrer client_id client_address user_agent category type size service_name'.split(
    ' ',
  ),
);

/** An event from RabbitMQ in a scenario's form: `url` without scheme, host and context path. */
export function asExpected({ body }: ReceivedEvent, contextPath = ''): ExpectedEvent {
  const fields = Object.entries(body).filter(([name]) => !UNFORESEEABLE.has(name));
  const event = Object.fromEntries(fields) as ExpectedEvent;
  const url = event['url'];
  if (typeof url !== 'string') return event;
  const path = url.replace(/^http:\/\/[^/]+/, '');
  return { ...event, url: path.startsWith(contextPath) ? path.slice(contextPath.length) : path };
}

/** An event with what the proxy adds for a client of this kind. */
export const byProxy = (event: ExpectedEvent, clientKind: string): ExpectedEvent => ({
  source: 'proxy',
  client_kind: clientKind,
  ...event,
});

/** Sorts a multiset of events, so that two can be compared. */
export const asMultiset = (events: readonly ExpectedEvent[]): readonly ExpectedEvent[] =>
  events.map((event) => sorted(event)).toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));

const sorted = (event: ExpectedEvent): ExpectedEvent =>
  Object.fromEntries(Object.entries(event).toSorted(([a], [b]) => (a < b ? -1 : 1))) as ExpectedEvent;

/** Events of single requests: without the health.connections windows and the last event, which the test posted itself. */
export const eventsOfRequests = (sink: EventSink, last: string): readonly ReceivedEvent[] =>
  sink.received.filter(({ body, messageId }) => messageId !== last && body['event'] !== 'health.connections');

/**
 * Waits until no further event can come: the collector withholds no observation, and an event posted after that has arrived.
 * All senders of telemetry must have ended before.
 *
 * @param key with scope ingest, if the collector has keys
 */
export async function everythingIsPublished(
  collector: CollectorProcess,
  sink: EventSink,
  name: string,
  key?: string,
): Promise<void> {
  await waitFor(async () => (await waiting(collector)) === 0, {
    everyMs: 100,
    what: 'no observation to be held back',
  });
  const response = await fetch(`${collector.url}/api/v1/events`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(key !== undefined && { authorization: `Bearer ${key}` }) },
    body: JSON.stringify({ event: 'file.deleted', event_id: name, file_id: name }),
  });
  if (response.status !== 202) throw new Error(`the last event was refused: ${await response.text()}`);
  await response.arrayBuffer();
  await waitFor(() => sink.received.some(({ messageId }) => messageId === name), {
    what: 'the last event',
  });
}

async function waiting(collector: CollectorProcess): Promise<number> {
  const metrics = await (await fetch(`${collector.url}/metrics`)).text();
  return Number(/^clowder_otel_waiting_observations (\d+)$/m.exec(metrics)?.[1]);
}
