import { checkDraft } from '../../taxonomy/check-draft.ts';
import type { MapContext } from '../../taxonomy/map/context.ts';
import { connectionsEventId } from '../../taxonomy/event-id.ts';
import type { FlatBody } from '../../taxonomy/flat-body.ts';
import type { ConnectionWindow } from './windows.ts';

/**
 * The health.connections event of a window: `created` is its end. Its id does not depend on why or when the window closed.
 *
 * @param member which of several collectors this is
 * @throws Error if the taxonomy does not accept it, which would be our own mistake
 */
export function connectionsEvent(window: ConnectionWindow, context: MapContext, member?: string): FlatBody {
  const { source, startMs, endMs } = window;
  const people = window.people.counts();
  const bots = window.bots.counts();
  const checked = checkDraft(
    {
      event_id: connectionsEventId(source.instance, source.component, startMs, member),
      event: 'health.connections',
      created: endMs,
      source: 'nginx',
      clowder_instance: source.instance === '' ? undefined : source.instance,
      component: source.component,
      window_start: startMs,
      window_end: endMs,
      connections: people.connections,
      new_connections: people.newConnections,
      requests: people.requests,
      unique_clients: people.uniqueClients,
      responses_1xx: people.responses[1],
      responses_2xx: people.responses[2],
      responses_3xx: people.responses[3],
      responses_4xx: people.responses[4],
      responses_5xx: people.responses[5],
      bytes: people.bytes,
      bot_connections: bots.connections,
      bot_requests: bots.requests,
      bot_clients: bots.uniqueClients,
      bot_responses_1xx: bots.responses[1],
      bot_responses_2xx: bots.responses[2],
      bot_responses_3xx: bots.responses[3],
      bot_responses_4xx: bots.responses[4],
      bot_responses_5xx: bots.responses[5],
      bot_bytes: bots.bytes,
    },
    context,
  );
  if (checked.ok) return checked.body;
  throw new Error(`health.connections: ${checked.issues.map(({ field, message }) => `${field} ${message}`).join()}`);
}
