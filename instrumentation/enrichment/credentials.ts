import { createHmac } from 'node:crypto';
import { cookieValue } from '../capture/cookies.ts';
import { splitTarget } from '../capture/request-target.ts';
import type { RequestHead } from '../capture/types.ts';

/** Headers that authenticate a look-up as the request was authenticated. */
export type Credentials = Readonly<Record<string, string>>;

/** The session cookie of each version. */
const SESSION_COOKIE = { v1: 'id', v2: 'Authorization' } as const;
/** Characters allowed in a header. */
const VISIBLE = /^[\x21-\x7e]+$/;

/**
 * The request's credentials and nothing else; undefined if it has none. Clowder chooses among several as it did for the
 * request. A key in v1's query becomes the equivalent header; the global key, which names no user, then proves nothing.
 */
export function credentialsOf({ headers, target }: RequestHead, version: 'v1' | 'v2'): Credentials | undefined {
  const name = SESSION_COOKIE[version];
  const session = cookieValue(headers.cookie, name);
  const header = headers['x-api-key'];
  const key = typeof header === 'string' ? header : version === 'v1' ? keyInQuery(target) : undefined;
  const credentials = {
    ...(session !== undefined && { cookie: `${name}=${session}` }),
    ...(headers.authorization !== undefined && { authorization: headers.authorization }),
    ...(key !== undefined && { 'x-api-key': key }),
  };
  return Object.keys(credentials).length === 0 ? undefined : credentials;
}

function keyInQuery(target: string): string | undefined {
  const { query } = splitTarget(target);
  const key = query.includes('=') ? new URLSearchParams(query).get('key') : null;
  return key !== null && VISIBLE.test(key) ? key : undefined;
}

/** What is kept of credentials: enough for this process to recognise them again. */
export function fingerprint(credentials: Credentials, processKey: Buffer): string {
  return createHmac('sha256', processKey).update(JSON.stringify(credentials)).digest('base64url');
}
