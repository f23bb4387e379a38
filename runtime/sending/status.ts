import type { SendOutcome } from './outcome.ts';

/** What a status says about the whole request. */
export type StatusMeaning = Exclude<SendOutcome['kind'], 'partial'>;

/**
 * By the first digit. Refused events are dropped in the end, so only a clear refusal counts as one: a wrong address,
 * method, key or proxy can be put right, and until then everything is kept.
 */
const BY_CLASS = {
  1: 'retry',
  2: 'accepted',
  3: 'misconfigured',
  4: 'misconfigured',
  // OTLP/HTTP says to retry only 502, 503 and 504, but a receiver that fails in another way must not cost an event
  // either.
  5: 'retry',
} as const satisfies Record<1 | 2 | 3 | 4 | 5, StatusMeaning>;

/**
 * The 4xx that are about this request or this moment, not about the set-up (RFC 9110, 15.5; RFC 6585, 4; RFC 8470,
 * 5.2). 415 is about the set-up: every request has the same content type and coding, and no event is to blame.
 */
const EXCEPTIONS: Readonly<Record<number, StatusMeaning>> = {
  400: 'rejected',
  408: 'retry',
  409: 'rejected',
  413: 'too_large',
  422: 'rejected',
  425: 'retry',
  429: 'retry',
};

/** What an HTTP status means to a sender. An invalid status says nothing: `retry`. */
export function meaningOf(status: number): StatusMeaning {
  const byClass: Readonly<Record<number, StatusMeaning>> = BY_CLASS;
  return EXCEPTIONS[status] ?? byClass[Math.floor(status / 100)] ?? 'retry';
}
