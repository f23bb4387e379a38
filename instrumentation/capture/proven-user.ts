import type { IncomingHttpHeaders } from 'node:http';
import { claimedBy, type Claimed } from '../../taxonomy/http/credentials.ts';
import { cookieValue } from './cookies.ts';

const NOBODY: Claimed = {};

/** Routes of v2 that need no login: an answer there proves nothing about a token. */
const PUBLIC_V2 = /^\/api\/v2\/(?:public_|status|auth|login|users$)/;

/**
 * The user that a request proves, given that Clowder answered it with success and so has checked its credentials (reference:
 * "Keys and what must never leak"). v1 checks its cookie first, then Basic. v2 checks a Bearer token, the cookie with the same
 * token, or an API key, on all routes but the public ones. v1's cookie and keys name no user.
 *
 * v1 shows public pages even to a wrong login, so only a change, or the user's own page, proves a user.
 *
 * @param template of the route; undefined if Clowder has none
 */
export function provenUser(headers: IncomingHttpHeaders, template: string | undefined, method: string): Claimed {
  if (template === undefined) return NOBODY;
  const { authorization, cookie } = headers;
  if (!template.startsWith('/api/v2/')) {
    const needsLogin = method !== 'GET' || template === '/api/me';
    return needsLogin && authorization !== undefined && !hasCookie(cookie, 'id') ? basicUser(authorization) : NOBODY;
  }
  if (PUBLIC_V2.test(template)) return NOBODY;
  const key = headers['x-api-key'];
  const token = bearer(authorization) ?? bearer(cookieValue(cookie, 'Authorization')) ?? key;
  return typeof token === 'string' ? claimedBy(token) : NOBODY;
}

function basicUser(authorization: string): Claimed {
  const encoded = /^basic\s+([\w+/=-]+)\s*$/i.exec(authorization)?.[1];
  if (encoded === undefined) return NOBODY;
  const credentials = Buffer.from(encoded, 'base64').toString('utf8');
  const colon = credentials.indexOf(':');
  const userName = colon === -1 ? '' : credentials.slice(0, colon);
  return userName === '' || userName.length > 256 ? NOBODY : { userName };
}

function bearer(value: string | undefined): string | undefined {
  return value === undefined ? undefined : /^"?bearer(?:\s|%20)+([\w.=-]+)/i.exec(value)?.[1];
}

function hasCookie(cookie: string | undefined, name: string): boolean {
  return cookieValue(cookie, name) !== undefined;
}
