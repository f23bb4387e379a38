import { getConnInfo } from '@hono/node-server/conninfo';
import type { Context, MiddlewareHandler } from 'hono';
import { getCookie } from 'hono/cookie';
import ipaddr from 'ipaddr.js';
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import { trustProxies } from './client-address.ts';
import { CollectorError } from '../errors.ts';
import { handleAs, type Sender } from './sender.ts';
import { SESSION_COOKIE, type Sessions } from './sessions.ts';
import type { ApiKey, KeyCheck, Scope } from './store.ts';

/** Why a key did not let a request in. */
export const REFUSALS = ['missing', 'unknown', 'revoked', 'scope'] as const;
export type Refusal = (typeof REFUSALS)[number];

export interface KeyGuard {
  readonly keys: KeyCheck;
  /** Logins of the dashboard: their cookie stands for the key that they were made with. */
  readonly sessions?: Pick<Sessions, 'keyOf'>;
  /** Makes another error of why a request is not let in. @default as it is: unauthorized, forbidden, too_many_requests */
  readonly refuse?: (error: CollectorError) => CollectorError;
  /** Told of each request whose key did not let it in. */
  readonly onRefused?: (reason: Refusal) => void;
}

const HELP = 'send an API key as "Authorization: Bearer KEY" or "X-API-Key: KEY" ("clowder-otel keys add" makes one)';

/** What is asked of a guard: headers, or metadata of gRPC, and the other end of the connection. */
export interface Asked {
  readonly header: (name: string) => string | undefined;
  /** The name under which this machine is asked. */
  readonly host: string | undefined;
  readonly peer: string | undefined;
  /** What the cookie of the dashboard says. */
  readonly session?: string | undefined;
  /** Whether it would change something. @default it would not */
  readonly changes?: boolean;
}

/** A page of another site cannot send it without being asked for, and is always refused then. */
export const PAGE_HEADER = 'x-clowder-otel-page';

/** Who is let in, or why not; `challenge` is what WWW-Authenticate says of that. */
export type Admission =
  | { readonly sender: Sender; readonly keyId: string | undefined }
  | { readonly refused: CollectorError; readonly challenge?: string };

/**
 * Lets in requests with a key of that scope, within the key's rate. While no key was ever made, lets in what comes from
 * this machine and asks for it by a name that means this machine (a page elsewhere cannot: DNS rebinding).
 */
export async function admit(scope: Scope, guard: KeyGuard, asked: Asked): Promise<Admission> {
  const admission = await judge(scope, guard, asked);
  if ('sender' in admission || guard.refuse === undefined) return admission;
  return { ...admission, refused: guard.refuse(admission.refused) };
}

async function judge(scope: Scope, { keys, sessions, onRefused }: KeyGuard, asked: Asked): Promise<Admission> {
  if (keys.isEmpty()) {
    const refusal = refuseStranger(asked) ?? refuseOtherSite(asked);
    if (refusal !== undefined) return { refused: new CollectorError('forbidden', refusal) };
    return { sender: { key: undefined, captures: true, address: asked.peer }, keyId: undefined };
  }
  const shown = presentedKey(asked);
  const ofSession = shown === undefined && asked.session !== undefined ? sessions?.keyOf(asked.session) : undefined;
  const presented = shown ?? ofSession;
  if (presented === undefined) {
    // A login that is over is nobody's wrong key.
    if (asked.session === undefined) onRefused?.('missing');
    return { refused: new CollectorError('unauthorized', `No API key: ${HELP}`), challenge: 'Bearer' };
  }
  if (ofSession !== undefined && asked.changes === true && !isOwnPage(asked))
    return {
      refused: new CollectorError(
        'forbidden',
        'With a login of the dashboard, only its own pages may change something: send an API key',
      ),
    };
  const key = keys.verify(presented);
  if (key === 'unknown' || key === 'revoked') {
    onRefused?.(key);
    const why = key === 'revoked' ? 'This API key was revoked: ask for a new one' : `This API key is unknown: ${HELP}`;
    return { refused: new CollectorError('unauthorized', why), challenge: 'Bearer error="invalid_token"' };
  }
  if (!key.scopes.includes(scope)) {
    onRefused?.('scope');
    const why = `This API key has the scope ${key.scopes.join(', ')}; ${scope} is needed here`;
    return { refused: new CollectorError('forbidden', why) };
  }
  const waitS = await overRate(keys, key);
  if (waitS === undefined)
    return {
      sender: { key: key.name, captures: key.scopes.includes('capture'), address: asked.peer },
      keyId: key.id,
    };
  const why = `More than ${key.ratePerS} requests a second with this API key: slow down, or make a key with a higher --rate`;
  return { refused: new CollectorError('too_many_requests', why, { retryAfterS: waitS }) };
}

/**
 * The same in front of routes.
 *
 * @param headerOf where keys come in another way than in headers
 * @throws CollectorError where it does not let in
 */
export function requireKey(
  scope: Scope,
  guard: KeyGuard,
  headerOf: (c: Context, name: string) => string | undefined = (c, name) => c.req.header(name),
): MiddlewareHandler {
  return async function checkKey(c, next) {
    const admission = await admit(scope, guard, { ...askedBy(c), header: (name) => headerOf(c, name) });
    if ('refused' in admission) {
      if (admission.challenge !== undefined) c.header('www-authenticate', admission.challenge);
      throw admission.refused;
    }
    if (admission.keyId !== undefined) c.set('keyId', admission.keyId);
    return handleAs(admission.sender, next);
  };
}

/** What a request of HTTP asks a guard. */
export function askedBy(c: Context): Asked {
  return {
    header: (name) => c.req.header(name),
    host: c.req.header('host'),
    peer: remoteAddress(c),
    session: getCookie(c, SESSION_COOKIE),
    changes: c.req.method !== 'GET' && c.req.method !== 'HEAD',
  };
}

/** By store and key: a key has one rate, however many guards it passes. */
const limitersOf = new WeakMap<KeyCheck, Map<string, RateLimiterMemory>>();

/** Counts a request with the key; seconds to wait where it is one too many for this second, else undefined. */
export async function overRate(keys: KeyCheck, key: ApiKey): Promise<number | undefined> {
  let limiters = limitersOf.get(keys);
  if (limiters === undefined) limitersOf.set(keys, (limiters = new Map()));
  let limiter = limiters.get(key.id);
  if (limiter === undefined)
    limiters.set(key.id, (limiter = new RateLimiterMemory({ points: key.ratePerS, duration: 1 })));
  try {
    await limiter.consume(key.id);
    return undefined;
  } catch (refused) {
    if (refused instanceof RateLimiterRes) return Math.max(1, Math.ceil(refused.msBeforeNext / 1000));
    throw refused;
  }
}

function presentedKey({ header }: Asked): string | undefined {
  const bearer = /^Bearer\s+(\S+)\s*$/i.exec(header('authorization') ?? '')?.[1];
  return bearer ?? header('x-api-key');
}

const isOwnPage = ({ header }: Asked): boolean =>
  header(PAGE_HEADER) !== undefined && (header('sec-fetch-site') ?? 'same-origin') === 'same-origin';

/** Without a key anybody on this machine may change something, and pages of the web that are open there may not. */
function refuseOtherSite({ header, changes }: Asked): string | undefined {
  const site = header('sec-fetch-site');
  if (changes !== true || (site !== 'cross-site' && site !== 'same-site')) return undefined;
  return 'Pages of other sites may not change anything here until you make an API key: "clowder-otel keys add" makes one';
}

/** A reverse proxy on this machine tells whom it asks for: strangers do not become this machine by it. */
const clientBehindProxy = trustProxies(['127.0.0.0/8', '::1']);

function refuseStranger({ header, host, peer }: Asked): string | undefined {
  const address = clientBehindProxy(peer, header);
  if (peer !== undefined && (address === undefined || !isLoopbackHost(address)))
    return `Only this machine is let in until you make an API key: "clowder-otel keys add" makes one`;
  if (host !== undefined && !isLoopbackHost(hostName(host)))
    return `Host ${host.slice(0, 100)} does not mean this machine, and no API key has been made yet: use 127.0.0.1 or localhost`;
  return undefined;
}

/** Address of the client's end of the connection; undefined where there is none (in-process requests). */
export function remoteAddress(c: Context): string | undefined {
  try {
    return getConnInfo(c).remote.address;
  } catch {
    return undefined;
  }
}

const hostName = (host: string): string =>
  host.startsWith('[') ? host.slice(1, host.indexOf(']')) : host.replace(/:\d*$/, '');

/** Whether a host name or address means this machine. */
export function isLoopbackHost(host: string): boolean {
  const name = host.toLowerCase();
  if (name === 'localhost' || name.endsWith('.localhost')) return true;
  return ipaddr.isValid(name) && ipaddr.process(name).range() === 'loopback';
}
