import type { SendOutcome } from './outcome.ts';

/** What a status says of the whole request. */
export type StatusMeaning = Exclude<SendOutcome['kind'], 'partial'>;

/**
 * By the first digit. What is refused is dropped in the end, so nothing counts as refused that is not said to be: an
 * address, a method, a key or a proxy on the way can be put right, and until then everything is kept.
 */
const BY_CLASS = {
  1: 'retry',
  2: 'accepted',
  3: 'misconfigured',
  4: 'misconfigured',
  // OTLP/HTTP has only 502, 503 and 504 sent again: a receiver that fails in another way must cost no event either.
  5: 'retry',
} as const satisfies Record<1 | 2 | 3 | 4 | 5, StatusMeaning>;

/**
 * What of 4xx is about this request or this moment, not about the set-up (RFC 9110, 15.5; RFC 6585, 4; RFC 8470, 5.2).
 * 415 is about the set-up: content type and coding are those of every request, and no event is to blame.
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

/** What an HTTP status means to whoever sent something. What is no status tells nothing: `retry`. */
export function meaningOf(status: number): StatusMeaning {
  const byClass: Readonly<Record<number, StatusMeaning>> = BY_CLASS;
  return EXCEPTIONS[status] ?? byClass[Math.floor(status / 100)] ?? 'retry';
}
