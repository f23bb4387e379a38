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
  /** Redirects that are followed. */
  readonly redirects: number;
  /** Origins beside the URL's own that they may lead to; `*`: any that is no private address. */
  readonly redirectOrigins: readonly string[];
  readonly ca?: Buffer | undefined;
  readonly signal: AbortSignal;
  /** Takes the body as it comes. */
  readonly onData: (chunk: Buffer) => void;
}

/** An answer that was read to its end, and how long its parts took: milliseconds, over all redirects. */
export interface TimedAnswer {
  /** undefined if nothing was sent, as the certificate cannot be trusted: `certificateProblem` says why. */
  readonly status: number | undefined;
  readonly headers: IncomingHttpHeaders;
  /** Of all that were presented on the way, the one that expires first. */
  readonly certificate: CertificateState | undefined;
  readonly certificateProblem: string | undefined;
  /** Where the answer leads, and may not. */
  readonly refusedRedirect: string | undefined;
  readonly dnsMs: number | undefined;
  readonly connectMs: number;
  readonly tlsMs: number | undefined;
  readonly firstByteMs: number | undefined;
  readonly totalMs: number;
}

const DEFAULT_HEADERS = { 'user-agent': 'clowder-otel-monitor', accept: '*/*', 'accept-encoding': 'identity' };

/** What a head may have at most, in bytes; cookies and policies of a page take more than Node's own bound. */
const HEAD_BYTES = 64 * 1024;

/**
 * One request on a connection of its own, so that every part of it can be timed; redirects are followed as far as they
 * may be. Headers and credentials stay with the origin that they are for.
 *
 * @throws Error of the network, or of the signal
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
      // Secrets in the headers are not for somebody who only says to be the server.
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
        // The connection is there already, with or without TLS.
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

/** Where an answer leads; what its address says of users is not for us to take. */
function redirectOf({ statusCode = 0, headers }: IncomingMessage, from: URL): URL | undefined {
  if (![301, 302, 303, 307, 308].includes(statusCode) || headers.location === undefined) return undefined;
  if (!URL.canParse(headers.location, from.href)) return undefined;
  const next = new URL(headers.location, from.href);
  next.username = '';
  next.password = '';
  return next.protocol === 'http:' || next.protocol === 'https:' ? next : undefined;
}

/** To the origin that is asked, to the same host by TLS, and to those that are named. */
function isAllowed(next: URL, first: URL, origins: readonly string[]): boolean {
  return isNamed(next, first, origins) || origins.includes('*');
}

function isNamed(next: URL, first: URL, origins: readonly string[]): boolean {
  if (next.origin === first.origin || origins.some((one) => one !== '*' && new URL(one).origin === next.origin))
    return true;
  return next.protocol === 'https:' && next.hostname === first.hostname && next.port === '' && first.port === '';
}

/** Whoever may lead anywhere may still not lead into a network that only the monitor sees. */
function mayLeadTo({ remoteAddress = '' }: Socket, next: URL, first: URL, origins: readonly string[]): boolean {
  return (
    isNamed(next, first, origins) ||
    (ipaddr.isValid(remoteAddress) && ipaddr.process(remoteAddress).range() === 'unicast')
  );
}

/** Of certificates on the way, the one that is to be renewed first. */
function worse(one: CertificateState | undefined, other: CertificateState | undefined): CertificateState | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return other.daysLeft < one.daysLeft ? other : one;
}

const plus = (sum: number | undefined, more: number | undefined): number | undefined =>
  more === undefined ? sum : (sum ?? 0) + more;
