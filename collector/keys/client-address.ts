import { bareAddress, isAddress, isOneOf } from '../../runtime/config/networks.ts';

/** Finds the client's address of a request from its peer and headers; undefined without a peer. */
export type ClientAddressOf = (
  peer: string | undefined,
  header: (name: 'x-forwarded-for' | 'forwarded') => string | undefined,
) => string | undefined;

/**
 * Each proxy appends the address it saw to `X-Forwarded-For`, or to `Forwarded` (RFC 7239) if there is only that. The
 * client is the last address that is not a trusted proxy; anybody could have written what precedes it. Undefined if a
 * trusted proxy hides it (`unknown`).
 *
 * @param trusted addresses and networks of the reverse proxies in front; if empty, the peer is the client
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
