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

/** Why a key was refused. */
export const REFUSALS = ['missing', 'unknown', 'revoked', 'scope'] as const;
export type Refusal = (typeof REFUSALS)[number];

export interface KeyGuard {
  readonly keys: KeyCheck;
  /** Logins of the dashboard: a cookie stands for the key that it was made with. */
  readonly sessions?: Pick<Sessions, 'keyOf'>;
  /**
   * Maps the reason of a refusal to another error. @default the reason itself: unauthorized, forbidden,
   * too_many_requests
   */
  readonly refuse?: (error: CollectorError) => CollectorError;
  /** Called for each request whose key was refused. */
  readonly onRefused?: (reason: Refusal) => void;
}

const HELP = 'send an API key as "Authorization: Bearer KEY" or "X-API-Key: KEY" ("clowder-otel keys add" makes one)';

/** The part of a request that a guard checks: headers or gRPC metadata, and the peer. */
export interface Asked {
  readonly header: (name: string) => string | undefined;
  /** The host name that the request uses for this machine. */
  readonly host: string | undefined;
  readonly peer: string | undefined;
  /** The value of the dashboard's cookie. */
  readonly session?: string | undefined;
  /** Whether it would change something. @default false */
  readonly changes?: boolean;
}

/** A header that a page of another site cannot send without a preflight, which is always refused. */
export const PAGE_HEADER = 'x-clowder-otel-page';

/** Who is admitted, or why not; `challenge` is the value for WWW-Authenticate. */
export type Admission =
  | { readonly sender: Sender; readonly keyId: string | undefined }
  | { readonly refused: CollectorError; readonly challenge?: string };

/**
 * Admits requests with a key of the scope, within the key's rate. Until the first key is made, admits requests that come
 * from this machine and name it as host. A foreign page cannot do that, not even by DNS rebinding.
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
    // An expired login is not a wrong key.
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
 * The same as a guard for routes.
 *
 * @param headerOf reads a header, or its replacement if keys do not come in headers
 * @throws CollectorError if the request is refused
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

/** What a guard checks of an HTTP request. */
export function askedBy(c: Context): Asked {
  return {
    header: (name) => c.req.header(name),
    host: c.req.header('host'),
    peer: remoteAddress(c),
    session: getCookie(c, SESSION_COOKIE),
    changes: c.req.method !== 'GET' && c.req.method !== 'HEAD',
  };
}

/** By store and key: a key has one rate across all guards. */
const limitersOf = new WeakMap<KeyCheck, Map<string, RateLimiterMemory>>();

/** Counts a request with the key. Returns the seconds to wait if it exceeds the rate, otherwise undefined. */
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

/** Without keys, anybody on this machine may change something, but web pages open there may not. */
function refuseOtherSite({ header, changes }: Asked): string | undefined {
  const site = header('sec-fetch-site');
  if (changes !== true || (site !== 'cross-site' && site !== 'same-site')) return undefined;
  return 'Pages of other sites may not change anything here until you make an API key: "clowder-otel keys add" makes one';
}

/** A reverse proxy on this machine names its client, so strangers behind it do not count as this machine. */
const clientBehindProxy = trustProxies(['127.0.0.0/8', '::1']);

function refuseStranger({ header, host, peer }: Asked): string | undefined {
  const address = clientBehindProxy(peer, header);
  if (peer !== undefined && (address === undefined || !isLoopbackHost(address)))
    return `Only this machine is let in until you make an API key: "clowder-otel keys add" makes one`;
  if (host !== undefined && !isLoopbackHost(hostName(host)))
    return `Host ${host.slice(0, 100)} does not mean this machine, and no API key has been made yet: use 127.0.0.1 or localhost`;
  return undefined;
}

/** Address of the peer; undefined for in-process requests. */
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
