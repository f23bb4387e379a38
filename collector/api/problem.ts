import type { Context } from 'hono';
import type { ContentfulStatusCode } from 'hono/utils/http-status';

/** An error of the API (RFC 9457): `code` is stable, `detail` says what to do. */
export function problem(
  c: Context,
  status: ContentfulStatusCode,
  code: string,
  detail: string,
  more: Readonly<Record<string, unknown>> = {},
): Response {
  return c.json({ type: 'about:blank', title: code.replaceAll('_', ' '), status, code, detail, ...more }, status, {
    'content-type': 'application/problem+json',
  });
}

const CODES: Readonly<Record<401 | 403 | 429, string>> = {
  401: 'unauthorized',
  403: 'forbidden',
  429: 'too_many_requests',
};

/** How the API answers a request that is not let in. */
export function denyAsProblem(c: Context, status: 401 | 403 | 429, message: string, retryAfterS?: number): Response {
  if (retryAfterS !== undefined) c.header('retry-after', String(retryAfterS));
  return problem(c, status, CODES[status], message);
}

/** An error of the journal as 503; undefined where it is another error. */
export function unavailable(c: Context, error: unknown): Response | undefined {
  if (!(error instanceof Error) || !('status' in error) || error.status !== 503) return undefined;
  c.header('retry-after', 'retryAfterS' in error ? String(error.retryAfterS) : '1');
  return problem(c, 503, 'code' in error ? String(error.code) : 'unavailable', `${error.message}; try again`);
}
