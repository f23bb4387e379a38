import { once } from 'node:events';
import { request as httpRequest, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { finished } from 'node:stream/promises';
import ipaddr from 'ipaddr.js';
import { Cookies } from './cookies.ts';
import { decodedBody } from './decode-body.ts';
import { certificateError, openConnection, type CertificateRules, type CertificateState } from './connection.ts';

export interface RequestOptions extends CertificateRules {
  readonly url: string;
  readonly method: 'GET' | 'HEAD';
  readonly headers: Readonly<Record<string, string>>;
  /** How many redirects are followed. */
  readonly redirects: number;
  /** Further origins that redirects may lead to; `*`: any that is not a private address. */
  readonly redirectOrigins: readonly string[];
  readonly ca?: Buffer | undefined;
  readonly signal: AbortSignal;
  /** Called with the body as it arrives. */
  readonly onData: (chunk: Buffer) => void;
}

/** A complete answer, and how long its phases took in milliseconds, over all redirects. */
export interface TimedAnswer {
  /** undefined if nothing was sent because the certificate is not trusted: `certificateProblem` says why. */
  readonly status: number | undefined;
  readonly headers: IncomingHttpHeaders;
  /** The first certificate to expire, among all on the way. */
  readonly certificate: CertificateState | undefined;
  readonly certificateProblem: string | undefined;
  /** A redirect that was not allowed, and where it leads. */
  readonly refusedRedirect: string | undefined;
  readonly dnsMs: number | undefined;
  readonly connectMs: number;
  readonly tlsMs: number | undefined;
  readonly firstByteMs: number | undefined;
  readonly totalMs: number;
}

const DEFAULT_HEADERS = { 'user-agent': 'clowder-otel-monitor', accept: '*/*', 'accept-encoding': 'identity' };

/** The most bytes of a head: cookies and policies of a page can exceed Node's own limit. */
const HEAD_BYTES = 64 * 1024;

/**
 * Makes one request on its own connection, so that every phase can be timed, and follows allowed redirects. Headers and
 * credentials go only to their own origin.
 *
 * @throws Error of the network or the signal
 */
export async function timedRequest(options: RequestOptions): Promise<TimedAnswer> {
  const began = performance.now();
  const first = new URL(options.url);
  const credentials = credentialsOf(first);
  const cookies = new Cookies();
  let url = first;
  let worst: CertificateState | undefined;
  const times = {
    dnsMs: undefined as number | undefined,
    connectMs: 0,
    tlsMs: undefined as number | undefined,
    firstByteMs: 0,
  };
  for (let hop = 0; ; hop += 1) {
    const connection = await openConnection({
      host: url.hostname,
      port: Number(url.port) || (url.protocol === 'https:' ? 443 : 80),
      tls: url.protocol === 'https:',
      ca: options.ca,
      signal: options.signal,
    });
    const { socket, certificate } = connection;
    times.dnsMs = plus(times.dnsMs, connection.dnsMs);
    times.connectMs += connection.connectMs;
    times.tlsMs = plus(times.tlsMs, connection.tlsMs);
    worst = worse(worst, certificate);
    const answered = (rest: Omit<TimedAnswer, keyof typeof times | 'certificate' | 'totalMs'>): TimedAnswer => ({
      ...times,
      ...rest,
      certificate: worst,
      totalMs: performance.now() - began,
    });
    try {
      if (hop > 0 && !mayLeadTo(socket, url, first, options.redirectOrigins))
        throw new Error(`it redirects to ${url.host}, which is a private address: name its origin in redirect_origins`);
      // Secrets in the headers must not go to a server that only claims to be the right one.
      const certificateProblem = certificateError(certificate, options) ?? certificateError(worst, options);
      if (certificateProblem !== undefined && certificate?.problem !== undefined)
        return {
          ...answered({ status: undefined, headers: {}, certificateProblem, refusedRedirect: undefined }),
          firstByteMs: undefined,
        };
      const asked = performance.now();
      const own = url.origin === first.origin ? { ...credentials, ...options.headers } : {};
      const cookie = cookies.headerFor(url);
      const sent = httpRequest({
        // The connection exists already, with or without TLS.
        createConnection: () => socket,
        method: options.method,
        path: `${url.pathname}${url.search}`,
        headers: { ...DEFAULT_HEADERS, host: url.host, ...(cookie !== undefined && { cookie }), ...own },
        maxHeaderSize: HEAD_BYTES,
        signal: options.signal,
      });
      sent.end();
      const [response] = (await once(sent, 'response')) as [IncomingMessage];
      times.firstByteMs += performance.now() - asked;
      cookies.take(url, response.headers['set-cookie'] ?? []);
      const next = hop < options.redirects ? redirectOf(response, url) : undefined;
      const allowed = next === undefined || isAllowed(next, first, options.redirectOrigins);
      if (next !== undefined && allowed) {
        response.resume();
        await finished(response);
        url = next;
        continue;
      }
      for await (const chunk of decodedBody(response)) options.onData(chunk);
      return answered({
        status: response.statusCode,
        headers: response.headers,
        certificateProblem,
        refusedRedirect: allowed ? undefined : next?.origin,
      });
    } finally {
      socket.destroy();
    }
  }
}

function credentialsOf({ username, password }: URL): Record<string, string> {
  if (username === '' && password === '') return {};
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { authorization: `Basic ${Buffer.from(pair).toString('base64')}` };
}

/** The target of a redirect; credentials in its address are ignored. */
function redirectOf({ statusCode = 0, headers }: IncomingMessage, from: URL): URL | undefined {
  if (![301, 302, 303, 307, 308].includes(statusCode) || headers.location === undefined) return undefined;
  if (!URL.canParse(headers.location, from.href)) return undefined;
  const next = new URL(headers.location, from.href);
  next.username = '';
  next.password = '';
  return next.protocol === 'http:' || next.protocol === 'https:' ? next : undefined;
}

/** Redirects may lead to the requested origin, to the same host by TLS, and to the named origins. */
function isAllowed(next: URL, first: URL, origins: readonly string[]): boolean {
  return isNamed(next, first, origins) || origins.includes('*');
}

function isNamed(next: URL, first: URL, origins: readonly string[]): boolean {
  if (next.origin === first.origin || origins.some((one) => one !== '*' && new URL(one).origin === next.origin))
    return true;
  return next.protocol === 'https:' && next.hostname === first.hostname && next.port === '' && first.port === '';
}

/** Even if any origin is allowed, none may lead into a network that only the monitor can reach. */
function mayLeadTo({ remoteAddress = '' }: Socket, next: URL, first: URL, origins: readonly string[]): boolean {
  return (
    isNamed(next, first, origins) ||
    (ipaddr.isValid(remoteAddress) && ipaddr.process(remoteAddress).range() === 'unicast')
  );
}

/** Returns the certificate that expires first. */
function worse(one: CertificateState | undefined, other: CertificateState | undefined): CertificateState | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return other.daysLeft < one.daysLeft ? other : one;
}

const plus = (sum: number | undefined, more: number | undefined): number | undefined =>
  more === undefined ? sum : (sum ?? 0) + more;
