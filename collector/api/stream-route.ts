import type { Handler } from 'hono';
import { streamSSE } from 'hono/streaming';
import { z } from 'zod';
import type { FlatBody } from '../../taxonomy/flat-body.ts';
import { readQuery, typesQuery } from './history-route.ts';

/** Query of GET /api/v1/events/stream. */
export const streamQuery = z.object({ type: typesQuery });

const HEARTBEAT_MS = 15_000;
/** Events that wait for a slow client; beyond, it is cut off rather than held in memory. */
const WAITING_MAX = 10_000;

/** Server-sent events: every event as it is accepted, `event` its type, `id` its id. */
export function streamRoute(live: (listener: (line: string) => void) => () => void): Handler {
  return function streamEvents(c) {
    const types = readQuery(c, streamQuery).type?.split(',');
    return streamSSE(c, async (stream) => {
      const waiting: FlatBody[] = [];
      let wake: () => void = () => undefined;
      const forget = live((line) => {
        const body = JSON.parse(line) as FlatBody;
        if (types !== undefined && !types.includes(body.event)) return;
        if (waiting.length >= WAITING_MAX) stream.abort();
        else waiting.push(body);
        wake();
      });
      stream.onAbort(() => {
        forget();
        wake();
      });
      const heartbeat = setInterval(() => void stream.write(': alive\n\n'), HEARTBEAT_MS);
      await stream.write(': connected\n\n');
      while (!stream.aborted) {
        const body = waiting.shift();
        if (body !== undefined)
          await stream.writeSSE({ event: body.event, id: body.event_id, data: JSON.stringify(body) });
        else
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
      }
      clearInterval(heartbeat);
      forget();
    });
  };
}
