import ipaddr from 'ipaddr.js';
import { list, type Value } from './values.ts';

type Address = ipaddr.IPv4 | ipaddr.IPv6;
type Network = readonly [address: Address, bits: number];

/** Whether it is an address (`10.0.0.7`, `::1`) or a network (`10.0.0.0/8`). */
export function isNetwork(text: string): boolean {
  return ipaddr.IPv4.isValidFourPartDecimal(text) || ipaddr.IPv6.isValid(text) || ipaddr.isValidCIDR(text);
}

/** Addresses and networks, as a setting lists them. */
export const networks: Value<string> = list(isNetwork, 'addresses or networks such as 10.0.0.0/8');

/** Checked for each request, mostly for few addresses: this many answers are cached. */
const REMEMBERED = 1000;

/** Whether an address, with or without a port, is one of these or is in one of these networks. */
export function isOneOf(addresses: readonly string[]): (address: string) => boolean {
  const within = addresses.map(networkOf);
  const known = new Map<string, boolean>();
  return (address) => {
    const before = known.get(address);
    if (before !== undefined) return before;
    const parsed = parse(bareAddress(address));
    const answer = parsed !== undefined && within.some((network) => isWithin(parsed, network));
    if (known.size === REMEMBERED) known.clear();
    known.set(address, answer);
    return answer;
  };
}

/** An address without port and brackets. */
export function bareAddress(hop: string): string {
  const text = hop.trim();
  return /^\[([^\]]*)\]/.exec(text)?.[1] ?? text.replace(/^([\d.]+):\d+$/, '$1');
}

export function isAddress(text: string): boolean {
  return ipaddr.isValid(text);
}

/** IPv4 mapped into IPv6 counts as IPv4. */
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
