import { bareAddress, isAddress, isOneOf } from '../../runtime/config/networks.ts';

/** Gives the client's address of a request from its peer's and its headers; undefined where there is no peer. */
export type ClientAddressOf = (
  peer: string | undefined,
  header: (name: 'x-forwarded-for' | 'forwarded') => string | undefined,
) => string | undefined;

/**
 * Whose word on the client's address counts: of what `X-Forwarded-For` lists, or `Forwarded` (RFC 7239) where there is
 * only that, each proxy having appended whom it saw, the last address that is not a trusted proxy itself. What stands
 * before it anybody may have written. Undefined where a trusted proxy does not tell (`unknown`).
 *
 * @param trusted addresses and networks of the reverse proxies in front; none: the peer is the client
 */
export function trustProxies(trusted: readonly string[]): ClientAddressOf {
  const isTrusted = isOneOf(trusted);
  return (peer, header) => {
    if (peer === undefined || trusted.length === 0 || !isTrusted(peer)) return peer;
    let client = peer;
    for (const hop of hopsOf(header('x-forwarded-for'), header('forwarded')).toReversed()) {
      client = bareAddress(hop);
      if (!isAddress(client)) return undefined;
      if (!isTrusted(client)) return client;
    }
    return client;
  };
}

function hopsOf(forwardedFor: string | undefined, forwarded: string | undefined): readonly string[] {
  if (forwardedFor !== undefined) return forwardedFor.split(',');
  const hops = forwarded?.split(',') ?? [];
  return hops.map((hop) => /(?:^|;)\s*for\s*=\s*(?:"([^"]*)"|([^;]*))/i.exec(hop)?.slice(1).join('') ?? '');
}
