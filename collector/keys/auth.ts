import { getConnInfo } from '@hono/node-server/conninfo';
import type { Context, MiddlewareHandler } from 'hono';
import ipaddr from 'ipaddr.js';
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import { trustProxies } from './client-address.ts';
import { CollectorError } from '../errors.ts';
import { handleAs } from './sender.ts';
import type { ApiKey, KeyCheck, Scope } from './store.ts';

/** Why a key did not let a request in. */
export const REFUSALS = ['missing', 'unknown', 'revoked', 'scope'] as const;
export type Refusal = (typeof REFUSALS)[number];

export interface KeyGuard {
  readonly keys: KeyCheck;
  /** Makes another error of why a request is not let in. @default as it is: unauthorized, forbidden, too_many_requests */
  readonly refuse?: (error: CollectorError) => CollectorError;
  /** Told of each request whose key did not let it in. */
  readonly onRefused?: (reason: Refusal) => void;
}

const HELP = 'send an API key as "Authorization: Bearer KEY" or "X-API-Key: KEY" ("clowder-otel keys add" makes one)';

/**
 * Lets in requests with a key of that scope, within the key's rate. While no key was ever made, lets in what comes from
 * this machine and asks for it by a name that means this machine (a page elsewhere cannot: DNS rebinding).
 *
 * @throws CollectorError where it does not let in
 */
export function requireKey(scope: Scope, { keys, refuse = (error) => error, onRefused }: KeyGuard): MiddlewareHandler {
  return async function checkKey(c, next) {
    if (keys.isEmpty()) {
      const refusal = refuseStranger(c);
      if (refusal !== undefined) throw refuse(new CollectorError('forbidden', refusal));
      return handleAs({ key: undefined, address: remoteAddress(c) }, next);
    }
    const presented = presentedKey(c);
    if (presented === undefined) {
      onRefused?.('missing');
      c.header('www-authenticate', 'Bearer');
      throw refuse(new CollectorError('unauthorized', `No API key: ${HELP}`));
    }
    const key = keys.verify(presented);
    if (key === 'unknown' || key === 'revoked') {
      onRefused?.(key);
      c.header('www-authenticate', 'Bearer error="invalid_token"');
      throw refuse(
        new CollectorError(
          'unauthorized',
          key === 'revoked' ? 'This API key was revoked: ask for a new one' : `This API key is unknown: ${HELP}`,
        ),
      );
    }
    if (!key.scopes.includes(scope)) {
      onRefused?.('scope');
      throw refuse(
        new CollectorError('forbidden', `This API key has the scope ${key.scopes.join(', ')}; ${scope} is needed here`),
      );
    }
    const waitS = await overRate(keys, key);
    if (waitS !== undefined)
      throw refuse(
        new CollectorError(
          'too_many_requests',
          `More than ${key.ratePerS} requests a second with this API key: slow down, or make a key with a higher --rate`,
          { retryAfterS: waitS },
        ),
      );
    c.set('keyId', key.id);
    return handleAs({ key: key.name, address: remoteAddress(c) }, next);
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

function presentedKey(c: Context): string | undefined {
  const bearer = /^Bearer\s+(\S+)\s*$/i.exec(c.req.header('authorization') ?? '')?.[1];
  return bearer ?? c.req.header('x-api-key');
}

/** A reverse proxy on this machine tells whom it asks for: strangers do not become this machine by it. */
const clientBehindProxy = trustProxies(['127.0.0.0/8', '::1']);

function refuseStranger(c: Context): string | undefined {
  const peer = remoteAddress(c);
  const address = clientBehindProxy(peer, (name) => c.req.header(name));
  if (peer !== undefined && (address === undefined || !isLoopbackHost(address)))
    return `No API key is made yet, and until then only this machine is let in: "clowder-otel keys add" makes one`;
  const host = c.req.header('host');
  if (host !== undefined && !isLoopbackHost(hostName(host)))
    return `Host ${host.slice(0, 100)} does not mean this machine, and no API key is made yet: use 127.0.0.1 or localhost`;
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
