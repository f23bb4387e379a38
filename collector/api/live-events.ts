import type { EventType } from '../../taxonomy/event-types.ts';
import type { FlatBody } from '../../taxonomy/flat-body.ts';
import { onOneLine } from '../../taxonomy/text.ts';

/** An event as server-sent events have it, written once however many read it. */
export interface LiveEvent {
  readonly type: EventType;
  readonly frame: Uint8Array;
}

/** Hands every event on, from the moment that it was accepted, to whoever listens. */
export interface LiveEvents {
  publish(body: FlatBody): void;
  /** @returns what ends the listening */
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

/** JSON has no line ends of its own; an id that an older version accepted may. */
function toLiveEvent(body: FlatBody): LiveEvent {
  const frame = `event: ${body.event}\ndata: ${JSON.stringify(body)}\nid: ${onOneLine(body.event_id)}\n\n`;
  return { type: body.event, frame: Buffer.from(frame) };
}
