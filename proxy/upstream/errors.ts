/** What can be wrong with Clowder's answer, besides the system's own codes (ECONNREFUSED, ECONNRESET, ENOTFOUND, …). */
export type UpstreamErrorCode =
  | 'connect_timeout'
  | 'first_byte_timeout'
  | 'idle_timeout'
  | 'client_timeout'
  | 'no_response'
  | 'malformed_response'
  | 'truncated_response'
  | 'busy';

/** The status for the client if no answer has begun; 502 for all other codes. */
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

/** Wraps a socket's error, keeping the system's code. */
export function socketError(cause: Error): UpstreamError {
  const code = 'code' in cause && typeof cause.code === 'string' ? cause.code : 'no_response';
  return new UpstreamError(code, cause.message === '' ? code : cause.message, { cause });
}
