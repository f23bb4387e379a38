/** What can be wrong with the answer of Clowder, beside the system's own codes (ECONNREFUSED, ECONNRESET, ENOTFOUND, …). */
export type UpstreamErrorCode =
  | 'connect_timeout'
  | 'first_byte_timeout'
  | 'idle_timeout'
  | 'client_timeout'
  | 'no_response'
  | 'malformed_response'
  | 'truncated_response'
  | 'busy';

/** The status that a client gets for it if no answer has begun; 502 for every code not named. */
const STATUS: Readonly<Record<string, number>> = {
  connect_timeout: 504,
  first_byte_timeout: 504,
  idle_timeout: 504,
  ETIMEDOUT: 504,
  client_timeout: 408,
  busy: 503,
};

/** Clowder gave no proper answer. `code` is stable and becomes the span's `error.type`. */
export class UpstreamError extends Error {
  override readonly name = 'UpstreamError';
  readonly code: string;
  readonly status: number;

  constructor(code: UpstreamErrorCode, message: string);
  constructor(code: string, message: string, options: ErrorOptions);
  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.status = STATUS[code] ?? 502;
  }
}

/** A socket's error as ours: the system's code is kept. */
export function socketError(cause: Error): UpstreamError {
  const code = 'code' in cause && typeof cause.code === 'string' ? cause.code : 'no_response';
  return new UpstreamError(code, cause.message === '' ? code : cause.message, { cause });
}
