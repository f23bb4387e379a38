import { createHmac } from 'node:crypto';
import ipaddr from 'ipaddr.js';
import { kindOfAgent, type ClientKind } from './client-kind.ts';

/** How much of a client's address is kept: its network, the whole address, or nothing. */
export type AddressPolicy = 'anonymise' | 'full' | 'drop';

const DAY_MS = 24 * 60 * 60 * 1000;

/**
 * Returns the address without port and brackets, cut to /24 (IPv4) or /48 (IPv6) if anonymised. IPv4 in IPv6 counts as IPv4.
 *
 * @returns undefined if the policy is `drop` or the text is not an address
 */
export function clientAddress(address: string, policy: AddressPolicy): string | undefined {
  if (policy === 'drop') return undefined;
  const parsed = parseAddress(address);
  if (parsed === undefined) return undefined;
  if (policy === 'full') return parsed.toString();
  const bytes = parsed.toByteArray();
  const kept = parsed.kind() === 'ipv4' ? 3 : 6;
  return ipaddr.fromByteArray(bytes.map((byte, index) => (index < kept ? byte : 0))).toString();
}

function parseAddress(address: string): ipaddr.IPv4 | ipaddr.IPv6 | undefined {
  const first = address.split(',', 1)[0]?.trim() ?? '';
  const bare = first.startsWith('[') ? first.slice(1, first.indexOf(']')) : first.replace(/^([\d.]+):\d+$/, '$1');
  return ipaddr.isValid(bare) ? ipaddr.process(bare) : undefined;
}

/** Distinguishes clients within a day without identifying them: a hash keyed with that day's secret. */
export function clientId(address: string, userAgent: string, dayKey: string): string {
  const full = parseAddress(address)?.toString() ?? address;
  return createHmac('sha256', dayKey).update(`${full}\n${userAgent}`).digest('hex').slice(0, 24);
}

/** The UTC day of a time, as the number of days since 1970. */
export function dayOf(timeMs: number): number {
  return Math.floor(timeMs / DAY_MS);
}

/** What is kept about a client. */
export interface ClientIdentity {
  readonly address: string | undefined;
  readonly id: string;
}

const identities = new Map<string, ClientIdentity>();
const IDENTITIES_MAX = 5000;

/** Returns `clientAddress` and `clientId` of one client, from a cache if possible. */
export function clientIdentity(
  address: string,
  userAgent: string,
  dayKey: string,
  policy: AddressPolicy,
): ClientIdentity {
  const client = `${dayKey}\n${policy}\n${address}\n${userAgent}`;
  let identity = identities.get(client);
  if (identity === undefined) {
    identity = { address: clientAddress(address, policy), id: clientId(address, userAgent, dayKey) };
    if (identities.size >= IDENTITIES_MAX) identities.clear();
    identities.set(client, identity);
  }
  return identity;
}

/** Stock pyclowder sends the agent of its HTTP library. */
const PYCLOWDER_LIBRARY = /^python-requests\//i;

const kinds = new Map<string, ClientKind>();
const KINDS_MAX = 5000;

/**
 * Returns the kind of client by its User-Agent, from a cache if possible; undefined if it sent none.
 *
 * @param bringsKey whether the request carries an API key (`bringsApiKey`): pyclowder's always do
 */
export function clientKind(userAgent: string | undefined, bringsKey = false): ClientKind | undefined {
  if (userAgent === undefined || userAgent === '') return undefined;
  if (bringsKey && PYCLOWDER_LIBRARY.test(userAgent)) return 'extractor';
  let kind = kinds.get(userAgent);
  if (kind === undefined) {
    kind = kindOfAgent(userAgent);
    if (kinds.size >= KINDS_MAX) kinds.clear();
    kinds.set(userAgent, kind);
  }
  return kind;
}

/** Whether extractors call from this address. */
export type IsExtractor = (address: string) => boolean;

/** What an observer knows about the sender of a request. */
export interface ObservedClient {
  readonly userAgent: string | undefined;
  /** In full, not anonymised. */
  readonly address: string | undefined;
  /** The kind as another observer with our rules stated it. */
  readonly stated: unknown;
  readonly bringsKey: boolean;
}

/**
 * Returns the kind of client of an observed request. A script with a key looks like stock pyclowder. So if the addresses of
 * extractors are known, only programs there count as extractors, with or without a key.
 */
export function observedKind(client: ObservedClient, isExtractor: IsExtractor | undefined): unknown {
  const { userAgent, address, stated, bringsKey } = client;
  if (isExtractor === undefined) return stated ?? clientKind(userAgent, bringsKey);
  const kind = clientKind(userAgent);
  const isProgram = kind === 'api' || kind === undefined;
  return isProgram && address !== undefined && isExtractor(address) ? 'extractor' : kind;
}

/** Whether a request carries an API key as pyclowder sends it: `?key=` to v1, even with a redacted value, or a header to v2. */
export function bringsApiKey(query: string, header: unknown): boolean {
  return header !== undefined || query.startsWith('key=') || query.includes('&key=');
}
