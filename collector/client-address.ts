import ipaddr from 'ipaddr.js';

type Address = ipaddr.IPv4 | ipaddr.IPv6;
type Network = readonly [address: Address, bits: number];

/** Gives the client's address of a request from its peer's and its headers; undefined where there is no peer. */
export type ClientAddressOf = (
  peer: string | undefined,
  header: (name: 'x-forwarded-for' | 'forwarded') => string | undefined,
) => string | undefined;

/** Whether it is an address (`10.0.0.7`, `::1`) or a network (`10.0.0.0/8`). */
export function isNetwork(text: string): boolean {
  return ipaddr.IPv4.isValidFourPartDecimal(text) || ipaddr.IPv6.isValid(text) || ipaddr.isValidCIDR(text);
}

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
      client = bare(hop);
      if (parse(client) === undefined) return undefined;
      if (!isTrusted(client)) return client;
    }
    return client;
  };
}

/** Whether an address, with port or without, is one of these or within one of these networks. */
export function isOneOf(addresses: readonly string[]): (address: string) => boolean {
  const networks = addresses.map(networkOf);
  return (address) => {
    const parsed = parse(bare(address));
    return parsed !== undefined && networks.some((network) => isWithin(parsed, network));
  };
}

function hopsOf(forwardedFor: string | undefined, forwarded: string | undefined): readonly string[] {
  if (forwardedFor !== undefined) return forwardedFor.split(',');
  const hops = forwarded?.split(',') ?? [];
  return hops.map((hop) => /(?:^|;)\s*for\s*=\s*(?:"([^"]*)"|([^;]*))/i.exec(hop)?.slice(1).join('') ?? '');
}

/** An address without port and brackets. */
function bare(hop: string): string {
  const text = hop.trim();
  return /^\[([^\]]*)\]/.exec(text)?.[1] ?? text.replace(/^([\d.]+):\d+$/, '$1');
}

/** IPv4 in IPv6 counts as IPv4. */
function parse(address: string): Address | undefined {
  return ipaddr.isValid(address) ? ipaddr.process(address) : undefined;
}

function networkOf(text: string): Network {
  if (ipaddr.isValidCIDR(text)) return ipaddr.parseCIDR(text);
  const address = ipaddr.process(text);
  return [address, address.kind() === 'ipv4' ? 32 : 128];
}

function isWithin(address: Address, [network, bits]: Network): boolean {
  return address.kind() === network.kind() && address.match(network, bits);
}
