import type { EventType } from '../../taxonomy/event-types.ts';
import type { FlatBody } from '../../taxonomy/flat-body.ts';
import { onOneLine } from '../../taxonomy/text.ts';

/** An event in the form of server-sent events, serialised once for all readers. */
export interface LiveEvent {
  readonly type: EventType;
  readonly frame: Uint8Array;
}

/** Passes every accepted event on to all listeners. */
export interface LiveEvents {
  publish(body: FlatBody): void;
  /** @returns a function that ends the listening */
  listen(listener: (event: LiveEvent) => void): () => void;
}

export function createLiveEvents(): LiveEvents {
  const listeners = new Set<(event: LiveEvent) => void>();
  return {
    publish: (body) => {
      if (listeners.size === 0) return;
      const event = toLiveEvent(body);
      for (const listener of listeners) listener(event);
    },
    listen: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

/** JSON.stringify writes no line breaks, but an id that an older version accepted may have some. */
function toLiveEvent(body: FlatBody): LiveEvent {
  const frame = `event: ${body.event}\ndata: ${JSON.stringify(body)}\nid: ${onOneLine(body.event_id)}\n\n`;
  return { type: body.event, frame: Buffer.from(frame) };
}
