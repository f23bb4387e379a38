import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { ForwardHeaders } from '../../instrumentation/telemetry/server-request.ts';
import {
  forwardedLine,
  xForwardedLines,
  type ClientFacts,
  type ForwardedBefore,
  type ForwardedMode,
} from './forwarded.ts';
import { connectionOptions, isHopByHop } from './hop-by-hop.ts';

/** How requests are changed on their way. All that no rule names passes unchanged. */
export interface RequestRules {
  readonly hostHeader: 'preserve' | 'target';
  /** Host and port of the target, in the form of a Host header. */
  readonly targetHost: string;
  readonly xForwarded: ForwardedMode;
  readonly forwarded: ForwardedMode;
  /** Our name in Via; undefined for no Via. */
  readonly via: string | undefined;
}

export interface IncomingHead {
  readonly method: string;
  /** Path and query, or `*`. */
  readonly path: string;
  /** Host of a target in absolute form; replaces the Host header. */
  readonly authority: string | undefined;
  /** `1.0` or `1.1` */
  readonly httpVersion: string;
  /** Alternating names and values, as received. */
  readonly rawHeaders: readonly string[];
  readonly remoteAddress: string | undefined;
  readonly scheme: 'http' | 'https';
  /** Whether the request asks for another protocol and that upgrade is forwarded. */
  readonly upgrade: boolean;
}

export interface OutgoingHead {
  /** Request line, header lines and the empty line; write it as latin1. */
  readonly text: string;
  /** What ends the body (RFC 9112, section 6.3); `none` also for a length of 0. */
  readonly framing: 'none' | 'length' | 'chunked';
}

/** The answer to a request that is not forwarded. */
export interface Refusal {
  readonly status: 400 | 501;
  readonly reason: string;
}

const NO_BEFORE: ForwardedBefore = { for: '', proto: '', host: '', forwarded: '' };

/** The head of a request as forwarded, keeping header names, order and duplicates (RFC 9110, section 7.6). */
export function outgoingHead(
  incoming: IncomingHead,
  rules: RequestRules,
  trace: ForwardHeaders,
): OutgoingHead | Refusal {
  const { rawHeaders, authority } = incoming;
  const options = connectionOptions(rawHeaders);
  const before = { ...NO_BEFORE };
  let text = `${incoming.method} ${incoming.path} HTTP/1.1\r\n`;
  let framing: OutgoingHead['framing'] = 'none';
  let host: string | undefined;
  let upgrade = '';
  let trailers = false;
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] ?? '';
    const value = rawHeaders[i + 1] ?? '';
    const lower = name.toLowerCase();
    switch (lower) {
      case 'host':
        // RFC 9112, section 3.2: different parties must not read different hosts.
        if (host !== undefined) return { status: 400, reason: 'The request has more than one Host header' };
        host = authority ?? value;
        text += `${name}: ${rules.hostHeader === 'target' ? rules.targetHost : host}\r\n`;
        continue;
      case 'content-length':
        if (Number(value) > 0) framing = 'length';
        break;
      case 'transfer-encoding':
        // RFC 9112, section 6.1. The parser has decoded the chunks and nothing else.
        if (framing === 'chunked' || value.toLowerCase() !== 'chunked')
          return { status: 501, reason: 'The only Transfer-Encoding that is understood is chunked' };
        framing = 'chunked';
        continue;
      case 'upgrade':
        upgrade = upgrade === '' ? value : `${upgrade}, ${value}`;
        continue;
      case 'te':
        trailers ||= /(?:^|,)\s*trailers\s*(?:,|$)/i.test(value);
        continue;
      case 'traceparent':
      case 'tracestate':
        if (trace.traceparent !== undefined) continue;
        break;
      case 'x-forwarded-for':
        if (take(rules.xForwarded, before, 'for', value)) continue;
        break;
      case 'x-forwarded-proto':
        if (take(rules.xForwarded, before, 'proto', value)) continue;
        break;
      case 'x-forwarded-host':
        if (take(rules.xForwarded, before, 'host', value)) continue;
        break;
      case 'forwarded':
        if (take(rules.forwarded, before, 'forwarded', value) || rules.xForwarded === 'set') continue;
        break;
      default:
        if (isHopByHop(lower) || options?.has(lower) === true) continue;
        if (rules.xForwarded === 'set' && isClaim(lower)) continue;
    }
    text += `${name}: ${value}\r\n`;
  }
  if (host === undefined) {
    host = authority ?? rules.targetHost;
    text += `Host: ${rules.hostHeader === 'target' ? rules.targetHost : host}\r\n`;
  }
  const client: ClientFacts = { remoteAddress: incoming.remoteAddress, scheme: incoming.scheme, host };
  if (rules.xForwarded !== 'off') text += xForwardedLines(rules.xForwarded, client, before);
  if (rules.forwarded !== 'off') text += forwardedLine(rules.forwarded, client, before);
  if (rules.via !== undefined) text += `Via: ${incoming.httpVersion} ${rules.via}\r\n`;
  if (trace.traceparent !== undefined) text += `traceparent: ${trace.traceparent}\r\n`;
  if (trace.traceparent !== undefined && trace.tracestate !== undefined) text += `tracestate: ${trace.tracestate}\r\n`;
  if (framing === 'chunked') text += 'Transfer-Encoding: chunked\r\n';
  if (incoming.upgrade) text += `Connection: Upgrade\r\nUpgrade: ${upgrade}\r\n`;
  // We pass trailers on, so we may ask for them if the client does.
  else if (trailers) text += 'Connection: TE\r\nTE: trailers\r\n';
  return { text: `${text}\r\n`, framing };
}

/** Other headers in which proxies report the client's address, and in which a client could forge it. */
const CLAIMS: ReadonlySet<string> = new Set([
  'forwarded',
  'x-real-ip',
  'x-client-ip',
  'x-cluster-client-ip',
  'x-original-forwarded-for',
  'true-client-ip',
]);

/** First letters of headers that claim an origin: rules out most others quickly. */
const CLAIMS_BEGIN = /^[xft]/;

/** Whether a header claims where a request comes from. @param name in lower case */
const isClaim = (name: string): boolean =>
  CLAIMS_BEGIN.test(name) && (name.startsWith('x-forwarded-') || CLAIMS.has(name));

/**
 * The headers that the capture may believe: only those that Clowder receives, and claims of origin only if a proxy in front
 * sets them. The host of a target in absolute form replaces the Host header.
 */
export function believedHeaders(
  { headers, rawHeaders }: Pick<IncomingMessage, 'headers' | 'rawHeaders'>,
  authority: string | undefined,
  rules: Pick<RequestRules, 'xForwarded' | 'forwarded'>,
): IncomingHttpHeaders {
  const doubted = [...(connectionOptions(rawHeaders) ?? [])].filter((name) => headers[name] !== undefined);
  for (const name in headers) {
    const mode = name === 'forwarded' ? rules.forwarded : rules.xForwarded;
    if (mode !== 'append' && isClaim(name)) doubted.push(name);
  }
  if (doubted.length === 0 && authority === undefined) return headers;
  const believed = { ...headers };
  for (const name of doubted) delete believed[name];
  if (authority !== undefined) believed.host = authority;
  return believed;
}

/** Remembers a forwarding header that is later set or added to; false if the header passes unchanged. */
function take(
  mode: ForwardedMode,
  before: { -readonly [K in keyof ForwardedBefore]: string },
  field: keyof ForwardedBefore,
  value: string,
): boolean {
  if (mode === 'off') return false;
  before[field] = before[field] === '' ? value : `${before[field]}, ${value}`;
  return true;
}
