import type { ContentfulStatusCode } from 'hono/utils/http-status';

/** What a code means, wherever it is answered. */
interface ErrorKind {
  readonly status: ContentfulStatusCode;
  /** What is wrong, for errors thrown without a message. */
  readonly sentence: string;
  readonly remedy: string;
  /** Seconds after which a producer may send the same again; absent if that would not help. */
  readonly retryAfterS?: number;
}

const CORRECT = 'Correct the request; do not send it again as it is';
const WAIT = 'Nothing was kept. Wait for `Retry-After` seconds, then send it again';

/** Every error of the collector by its code. Codes are stable, because producers act on them. */
export const ERRORS = {
  invalid_json: { status: 400, sentence: 'The body is not valid JSON', remedy: CORRECT },
  invalid_body: { status: 400, sentence: 'The body was cut off, or is not what its encoding says', remedy: CORRECT },
  invalid_query: { status: 400, sentence: 'The query is wrong', remedy: CORRECT },
  invalid_request: { status: 400, sentence: 'The body is not what this endpoint takes', remedy: CORRECT },
  malformed_protobuf: { status: 400, sentence: 'The body is not valid protobuf', remedy: CORRECT },
  unauthorized: {
    status: 401,
    sentence: 'The API key is missing, unknown or revoked',
    remedy: 'Send a key; `clowder-otel keys add` makes one',
  },
  forbidden: {
    status: 403,
    sentence: 'The key lacks the scope, or you are on another machine and no key has been made yet',
    remedy: 'Use a key with the needed scope',
  },
  origin_not_allowed: {
    status: 403,
    sentence: 'Pages of this origin may not send page views',
    remedy: 'Make a key with `--origin` for it, or add it to `ALLOWED_ORIGINS`',
  },
  unknown_event_type: {
    status: 404,
    sentence: 'There is no such event type',
    remedy: '`detail` lists the types, or says where they are listed',
  },
  not_found: { status: 404, sentence: 'Nothing is here', remedy: '`GET /docs` lists all endpoints' },
  method_not_allowed: {
    status: 405,
    sentence: 'This path does not support this method',
    remedy: 'Use a method that `Allow` names',
  },
  body_too_slow: {
    status: 408,
    sentence: 'The body did not arrive in time: nothing came for 10 seconds, or it was not complete within the limit',
    remedy: 'Send it again, without pauses',
  },
  batch_too_large: { status: 413, sentence: 'The batch has too many events or records', remedy: 'Send fewer at once' },
  body_too_large: {
    status: 413,
    sentence: 'The body is too large, before or after decompression',
    remedy: 'Send less at once',
  },
  unsupported_media_type: {
    status: 415,
    sentence: 'This endpoint does not accept the Content-Type',
    remedy: 'Set Content-Type to one that `detail` names',
  },
  unsupported_encoding: {
    status: 415,
    sentence: 'The Content-Encoding is not supported',
    remedy: 'Send gzip, zstd or deflate, or no encoding',
  },
  invalid_event: {
    status: 422,
    sentence: 'No event was valid',
    remedy: 'Correct the event: `rejected` names each wrong field, its value and what is expected',
  },
  too_many_requests: {
    status: 429,
    sentence: 'There are more requests than the rate of the key allows',
    remedy: 'Wait for `Retry-After` seconds',
    retryAfterS: 1,
  },
  internal_error: {
    status: 500,
    sentence: 'The collector failed to answer; its log says why',
    remedy: "Read the collector's log; send it again later",
  },
  journal_full: { status: 503, sentence: 'The journal is full', remedy: WAIT, retryAfterS: 2 },
  journal_unavailable: { status: 503, sentence: 'The journal cannot be written', remedy: WAIT, retryAfterS: 2 },
  usage_unavailable: {
    status: 503,
    sentence: 'Usage cannot be queried now',
    remedy: '`/readyz` says how far counting is, and why it has stopped. Ask again after `Retry-After` seconds',
    retryAfterS: 5,
  },
  broker_unavailable: {
    status: 503,
    sentence: 'RabbitMQ cannot be asked now',
    remedy: '`detail` says why. Ask again once it is mended',
    retryAfterS: 5,
  },
  busy: {
    status: 503,
    sentence: 'The collector is already reading as much as it can hold',
    remedy: WAIT,
    retryAfterS: 1,
  },
  key_on_hold: {
    status: 503,
    sentence: 'The key is not valid here, and `ON_UNKNOWN_KEY` is `hold` (only for OTLP)',
    remedy: 'Keep the data and try again; correct the key',
    retryAfterS: 5,
  },
} as const satisfies Readonly<Record<string, ErrorKind>>;

export type ErrorCode = keyof typeof ERRORS;
export type ErrorStatus = (typeof ERRORS)[ErrorCode]['status'];

/** Why a request fails, as a code in `ERRORS`. It is thrown anywhere and answered in one place. */
export class CollectorError extends Error {
  override readonly name = 'CollectorError';
  readonly code: ErrorCode;
  readonly status: ErrorStatus;
  /** Seconds after which the sender may try again; undefined if that would not help. */
  readonly retryAfterS: number | undefined;
  /** Further members of the answer, by name. */
  readonly members: Readonly<Record<string, unknown>>;

  /** @param message what is wrong and what to do; by default the code's own sentence */
  constructor(
    code: ErrorCode,
    message: string = ERRORS[code].sentence,
    more: { readonly retryAfterS?: number | undefined; readonly members?: Readonly<Record<string, unknown>> } = {},
  ) {
    super(message);
    const kind: ErrorKind = ERRORS[code];
    this.code = code;
    this.status = ERRORS[code].status;
    this.retryAfterS = more.retryAfterS ?? kind.retryAfterS;
    this.members = more.members ?? {};
  }
}
