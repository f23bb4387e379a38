import type { IncomingHttpHeaders } from 'node:http';
import { bringsApiKey } from '../../taxonomy/client.ts';
import type { AUTH_METHODS } from '../../taxonomy/event-fields.ts';
import { cookieValue } from './cookies.ts';

export type AuthMethod = (typeof AUTH_METHODS)[number];

interface Brought {
  readonly headers: IncomingHttpHeaders;
  readonly query: string;
}
type Look = readonly [AuthMethod, (brought: Brought) => boolean];

const authorization =
  (form: RegExp) =>
  ({ headers }: Brought): boolean =>
    headers.authorization !== undefined && form.test(headers.authorization);
const cookie =
  (name: string) =>
  ({ headers }: Brought): boolean => {
    const value = cookieValue(headers.cookie, name);
    return value !== undefined && value !== '' && value !== '""';
  };
const hasKey = ({ headers }: Brought): boolean => headers['x-api-key'] !== undefined && headers['x-api-key'] !== '';

/** What v2's API checks, in its order. It reads neither Basic credentials nor keys in a query. */
const V2_API: readonly Look[] = [
  ['token', authorization(/^bearer +\S/i)],
  ['session', cookie('Authorization')],
  ['api_key', hasKey],
];
/** What v1 checks, in its order, and v2's pages: they are public, and their session is v2's cookie. */
const OTHERS: readonly Look[] = [
  ['session', cookie('id')],
  ['session', cookie('Authorization')],
  ['basic', authorization(/^basic +\S/i)],
  ['api_key', (brought) => hasKey(brought) || bringsApiKey(brought.query, undefined)],
];

/**
 * How a request authenticates: the first credential that Clowder would check, or `none`. It may still be wrong.
 *
 * @param template of the route
 */
export function authMethodOf(headers: IncomingHttpHeaders, query: string, template: string): AuthMethod {
  const looks = template.startsWith('/api/v2/') ? V2_API : OTHERS;
  return looks.find(([, brings]) => brings({ headers, query }))?.[0] ?? 'none';
}
