/**
 * What becomes of the headers that name the client: `set` replaces what came (we are the outermost proxy), `append`
 * adds to it (a proxy in front sets them and is trusted), `off` leaves it alone.
 */
export type ForwardedMode = 'set' | 'append' | 'off';

/** What a proxy knows of the connection that a request came on. */
export interface ClientFacts {
  readonly remoteAddress: string | undefined;
  readonly scheme: 'http' | 'https';
  /** The request's Host as it came; '' where none. */
  readonly host: string;
}

/** The headers' values as they came, '' where absent; several lines joined by a comma. */
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
  // Proto and Host stay the outermost proxy's: applications compare them as single values.
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

/** IPv4 as such also if the socket is an IPv6 one. */
function plainAddress(address: string | undefined): string {
  if (address === undefined) return 'unknown';
  return address.startsWith(IPV4_MAPPED) ? address.slice(IPV4_MAPPED.length) : address;
}

/** A token as it is, everything else as a quoted string. */
function quoted(value: string): string {
  return /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(value) ? value : `"${value.replace(/["\\]/g, '\\$&')}"`;
}
