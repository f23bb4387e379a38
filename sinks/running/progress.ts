import type { Backlog } from './watched-sink.ts';

/** Fewer are no backlog. */
const WORTH_TELLING = 1000;

/** How a backlog gets on, if there is one: what is left, how fast, and when it will be done at that pace. */
export function progressLine(
  before: Backlog | undefined,
  now: Backlog,
): { readonly fields: object; readonly message: string } | undefined {
  if (before === undefined || now.events < WORTH_TELLING) return undefined;
  const seconds = (now.atMs - before.atMs) / 1000;
  if (seconds <= 0) return undefined;
  const acceptedPerS = (now.accepted - before.accepted) / seconds;
  // Others come in meanwhile: only what it becomes less by brings the end nearer.
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
