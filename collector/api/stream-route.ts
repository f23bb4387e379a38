import { ServerResponse } from 'node:http';
import type { Context } from 'hono';
import { streamSSE, type SSEStreamingApi } from 'hono/streaming';
import { z } from 'zod';
import { CollectorError } from '../errors.ts';
import { typesQuery } from './history-route.ts';
import type { LiveEvent, LiveEvents } from './live-events.ts';

/** Query of GET /api/v1/events/stream. */
export const streamQuery = z.object({ type: typesQuery });

const HEARTBEAT_MS = 15_000;
/** Bytes that may wait for a slow reader. A reader with more is disconnected, to save memory. */
const WAITING_BYTES = 1024 * 1024;
/** Open streams per key. */
const STREAMS_A_KEY = 20;

/**
 * Server-sent events: one for every accepted event, with `event` its type and `id` its id.
 *
 * @throws CollectorError too_many_requests if the key has too many streams open
 */
export function streamRoute(live: LiveEvents['listen']) {
  const openByKey = new Map<string, number>();
  return function streamEvents(c: Context, { type }: z.output<typeof streamQuery>): Response {
    const types = type?.split(',');
    const key = String(c.get('keyId') ?? '');
    const open = openByKey.get(key) ?? 0;
    if (open >= STREAMS_A_KEY)
      throw new CollectorError(
        'too_many_requests',
        `This key has ${STREAMS_A_KEY} streams open already: close one of them`,
        { retryAfterS: 5 },
      );
    openByKey.set(key, open + 1);
    return streamSSE(c, async (stream) => {
      try {
        await send(stream, c, live, types);
      } finally {
        const left = (openByKey.get(key) ?? 1) - 1;
        if (left > 0) openByKey.set(key, left);
        else openByKey.delete(key);
      }
    });
  };
}

/** Sends events until the client disconnects or is too slow. */
async function send(
  stream: SSEStreamingApi,
  c: Context,
  live: LiveEvents['listen'],
  types: readonly string[] | undefined,
): Promise<void> {
  const waiting: LiveEvent[] = [];
  let waitingBytes = 0;
  let isWriting = true;
  let wake: () => void = () => undefined;
  const cutOff = (): void => {
    stream.abort();
    // Unsent data in the system's buffers would otherwise keep the connection open.
    const outgoing: unknown = (c.env as { outgoing?: unknown } | undefined)?.outgoing;
    if (outgoing instanceof ServerResponse) outgoing.destroy();
  };
  const forget = live((event) => {
    if (types !== undefined && !types.includes(event.type)) return;
    waitingBytes += event.frame.byteLength;
    if (waitingBytes > WAITING_BYTES) cutOff();
    else waiting.push(event);
    wake();
  });
  stream.onAbort(() => {
    forget();
    wake();
  });
  const heartbeat = setInterval(() => {
    // During a pending write, heartbeats would only pile up.
    if (!isWriting) void stream.write(': alive\n\n');
  }, HEARTBEAT_MS);
  try {
    await stream.write(': connected\n\n');
    while (!stream.aborted) {
      const event = waiting.shift();
      isWriting = event !== undefined;
      if (event === undefined)
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      else {
        await stream.write(event.frame);
        waitingBytes -= event.frame.byteLength;
      }
    }
  } finally {
    clearInterval(heartbeat);
    forget();
  }
}
