import type { IncomingHttpHeaders } from 'node:http';
import ipaddr from 'ipaddr.js';
import type { RequestHead } from './types.ts';

/** Who made the request, and the server address they used: from the connection, or from a trusted proxy in front. */
export interface Origin {
  readonly clientAddress: string | undefined;
  readonly scheme: string;
  /** '' if the request names none. */
  readonly host: string;
  readonly port: number | undefined;
}

/** @param trustForwarded whether Forwarded (RFC 7239) and X-Forwarded-* of the request are believed */
export function originOf(head: RequestHead, trustForwarded: boolean): Origin {
  const { headers } = head;
  const said = trustForwarded ? forwarded(headers) : {};
  const scheme = said.proto ?? head.scheme;
  const authority = splitAuthority(said.host ?? headers.host ?? '');
  return {
    clientAddress: said.for ?? bareAddress(head.remoteAddress),
    scheme,
    host: authority.host,
    port: authority.port ?? (authority.host === '' ? undefined : (said.port ?? (scheme === 'https' ? 443 : 80))),
  };
}

/** `https://clowder.example`, with the port unless it is the default; '' if the host is unknown. */
export function authorityOf({ scheme, host, port }: Origin): string {
  if (host === '') return '';
  const usual = scheme === 'https' ? 443 : 80;
  return `${scheme}://${host}${port === undefined || port === usual ? '' : `:${port}`}`;
}

interface Said {
  readonly for?: string | undefined;
  readonly proto?: 'http' | 'https' | undefined;
  readonly host?: string | undefined;
  readonly port?: number | undefined;
}

/** If several proxies added values, takes the first one's: that proxy saw the client. */
function forwarded(headers: IncomingHttpHeaders): Said {
  const standard = headers['forwarded'];
  if (standard !== undefined) {
    const pairs = firstOf(standard)
      .split(';')
      .map((pair): [string, string] => {
        const equals = pair.indexOf('=');
        return [pair.slice(0, equals).trim().toLowerCase(), unquoted(pair.slice(equals + 1).trim())];
      });
    const said = new Map(pairs);
    return { for: bareAddress(said.get('for')), proto: protocol(said.get('proto')), host: said.get('host') };
  }
  return {
    for: bareAddress(firstValue(headers['x-forwarded-for'])),
    proto: protocol(firstValue(headers['x-forwarded-proto'])),
    host: firstValue(headers['x-forwarded-host']),
    port: portOf(firstValue(headers['x-forwarded-port'])),
  };
}

const firstOf = (list: string): string => (list.includes(',') ? list.slice(0, list.indexOf(',')) : list).trim();

function firstValue(header: string | string[] | undefined): string | undefined {
  const value = Array.isArray(header) ? header[0] : header;
  if (value === undefined) return undefined;
  const first = firstOf(value);
  return first === '' ? undefined : first;
}

const unquoted = (text: string): string => (text.startsWith('"') ? text.slice(1, -1) : text);

function protocol(text: string | undefined): 'http' | 'https' | undefined {
  const lower = text?.toLowerCase();
  return lower === 'http' || lower === 'https' ? lower : undefined;
}

/** An address without brackets, port or IPv4-in-IPv6 prefix; undefined for other text (`unknown`, `_hidden`). */
function bareAddress(text: string | undefined): string | undefined {
  if (text === undefined || text === '') return undefined;
  const mapped = text.startsWith('::ffff:') ? text.slice(7) : text;
  if (isPlainIPv4(mapped)) return mapped;
  const bare = text.startsWith('[') ? text.slice(1, text.indexOf(']')) : text.replace(/^([\d.]+):\d+$/, '$1');
  return ipaddr.isValid(bare) ? ipaddr.process(bare).toString() : undefined;
}

/** The common case, without the parser. */
const isPlainIPv4 = (text: string): boolean =>
  /^(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)$/.test(text);

function splitAuthority(authority: string): { host: string; port: number | undefined } {
  const colon = authority.lastIndexOf(':');
  if (colon === -1 || authority.endsWith(']')) return { host: authority, port: undefined };
  return { host: authority.slice(0, colon), port: portOf(authority.slice(colon + 1)) };
}

function portOf(text: string | undefined): number | undefined {
  if (text === undefined || !/^\d{1,5}$/.test(text)) return undefined;
  const port = Number(text);
  return port > 0 && port < 65_536 ? port : undefined;
}
