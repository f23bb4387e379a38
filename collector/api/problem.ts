import type { Context } from 'hono';
import type { CollectorError } from '../errors.ts';

/** An error of the API (RFC 9457): `code` is stable, `detail` says what is wrong and what to do. */
export function problem(c: Context, { code, status, message, retryAfterS, members }: CollectorError): Response {
  if (retryAfterS !== undefined) c.header('retry-after', String(retryAfterS));
  return c.json(
    { type: 'about:blank', title: code.replaceAll('_', ' '), status, code, detail: message, ...members },
    status,
    { 'content-type': 'application/problem+json' },
  );
}
