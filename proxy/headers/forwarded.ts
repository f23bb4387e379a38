/**
 * How to treat the headers that name the client: `set` replaces them (we are the outermost proxy), `append` adds to them (a
 * trusted proxy in front sets them), `off` leaves them alone.
 */
export type ForwardedMode = 'set' | 'append' | 'off';

/** What a proxy knows about the connection that carries a request. */
export interface ClientFacts {
  readonly remoteAddress: string | undefined;
  readonly scheme: 'http' | 'https';
  /** The request's Host as received; '' if there is none. */
  readonly host: string;
}

/** The received values of the headers; '' if absent, several lines joined by a comma. */
export interface ForwardedBefore {
  readonly for: string;
  readonly proto: string;
  readonly host: string;
  readonly forwarded: string;
}

const IPV4_MAPPED = '::ffff:';

/** Header lines for X-Forwarded-For, -Proto and -Host, each ended by CRLF. */
export function xForwardedLines(mode: 'set' | 'append', client: ClientFacts, before: ForwardedBefore): string {
  const address = plainAddress(client.remoteAddress);
  const kept = mode === 'append' ? before : NOTHING;
  // Proto and Host keep the outermost proxy's values: applications compare them as single values.
  const proto = kept.proto === '' ? client.scheme : kept.proto;
  const host = kept.host === '' ? client.host : kept.host;
  return (
    `X-Forwarded-For: ${kept.for === '' ? address : `${kept.for}, ${address}`}\r\n` +
    `X-Forwarded-Proto: ${proto}\r\n` +
    (host === '' ? '' : `X-Forwarded-Host: ${host}\r\n`)
  );
}

/** Header line for Forwarded (RFC 7239, section 4), ended by CRLF. */
export function forwardedLine(mode: 'set' | 'append', client: ClientFacts, before: ForwardedBefore): string {
  const address = plainAddress(client.remoteAddress);
  const node = address.includes(':') ? `"[${address}]"` : address;
  const host = client.host === '' ? '' : `;host=${quoted(client.host)}`;
  const element = `for=${node};proto=${client.scheme}${host}`;
  const list = mode === 'append' && before.forwarded !== '' ? `${before.forwarded}, ${element}` : element;
  return `Forwarded: ${list}\r\n`;
}

const NOTHING: ForwardedBefore = { for: '', proto: '', host: '', forwarded: '' };

/** An IPv4 address in plain form even if the socket is IPv6. */
function plainAddress(address: string | undefined): string {
  if (address === undefined) return 'unknown';
  return address.startsWith(IPV4_MAPPED) ? address.slice(IPV4_MAPPED.length) : address;
}

/** A token as it is, anything else as a quoted string. */
function quoted(value: string): string {
  return /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(value) ? value : `"${value.replace(/["\\]/g, '\\$&')}"`;
}
