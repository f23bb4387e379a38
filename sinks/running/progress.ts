import type { Backlog } from './watched-sink.ts';

/** A smaller backlog is not worth reporting. */
const WORTH_TELLING = 1000;

/** Reports the progress of a backlog: what is left, how fast it is sent, and when it will be done at that pace. */
export function progressLine(
  before: Backlog | undefined,
  now: Backlog,
): { readonly fields: object; readonly message: string } | undefined {
  if (before === undefined || now.events < WORTH_TELLING) return undefined;
  const seconds = (now.atMs - before.atMs) / 1000;
  if (seconds <= 0) return undefined;
  const acceptedPerS = (now.accepted - before.accepted) / seconds;
  // New events arrive as well, so the end depends on how fast the backlog shrinks.
  const lessPerS = (before.events - now.events) / seconds;
  const doneMs = lessPerS > 0 ? now.atMs + (1000 * now.events) / lessPerS : undefined;
  return {
    fields: {
      left: now.events,
      events_per_s: Math.round(acceptedPerS),
      ...(doneMs !== undefined && { done_about: new Date(doneMs).toISOString().slice(0, 19) + 'Z' }),
    },
    message: doneMs === undefined ? 'a backlog that does not shrink' : 'working through a backlog',
  };
}
