import { once } from 'node:events';
import { request as httpRequest, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import { certificateError, openConnection, type CertificateRules, type CertificateState } from './connection.ts';

export interface RequestOptions extends CertificateRules {
  readonly url: string;
  readonly method: 'GET' | 'HEAD';
  readonly headers: Readonly<Record<string, string>>;
  /** Redirects that are followed. */
  readonly redirects: number;
  readonly ca?: Buffer | undefined;
  readonly signal: AbortSignal;
  /** Takes the body as it comes. */
  readonly onData: (chunk: Buffer) => void;
}

/** An answer that was read to its end, and how long its parts took: milliseconds, over all redirects. */
export interface TimedAnswer {
  /** undefined where nothing was sent, as the certificate cannot be trusted: `certificateProblem` says why. */
  readonly status: number | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly certificate: CertificateState | undefined;
  readonly certificateProblem: string | undefined;
  readonly dnsMs: number | undefined;
  readonly connectMs: number;
  readonly tlsMs: number | undefined;
  readonly firstByteMs: number | undefined;
  readonly totalMs: number;
}

const DEFAULT_HEADERS = { 'user-agent': 'clowder-otel-monitor', accept: '*/*', 'accept-encoding': 'identity' };

/**
 * One request on a connection of its own, so that every part of it can be timed.
 *
 * @throws Error of the network, or of the signal
 */
export async function timedRequest(options: RequestOptions): Promise<TimedAnswer> {
  const began = performance.now();
  let { url, headers } = options;
  const times = {
    dnsMs: undefined as number | undefined,
    connectMs: 0,
    tlsMs: undefined as number | undefined,
    firstByteMs: 0,
  };
  for (let hop = 0; ; hop += 1) {
    const target = new URL(url);
    const connection = await openConnection({
      host: target.hostname,
      port: Number(target.port) || (target.protocol === 'https:' ? 443 : 80),
      tls: target.protocol === 'https:',
      ca: options.ca,
      signal: options.signal,
    });
    const { socket, certificate } = connection;
    times.dnsMs = plus(times.dnsMs, connection.dnsMs);
    times.connectMs += connection.connectMs;
    times.tlsMs = plus(times.tlsMs, connection.tlsMs);
    try {
      // Secrets in the headers are not for somebody who only says to be the server.
      const certificateProblem = certificateError(certificate, options);
      if (certificateProblem !== undefined && certificate?.problem !== undefined) {
        const totalMs = performance.now() - began;
        return {
          ...times,
          status: undefined,
          headers: {},
          certificate,
          certificateProblem,
          firstByteMs: undefined,
          totalMs,
        };
      }
      const asked = performance.now();
      const sent = httpRequest({
        // The connection is there already, with or without TLS.
        createConnection: () => socket,
        method: options.method,
        path: `${target.pathname}${target.search}`,
        headers: { ...DEFAULT_HEADERS, host: target.host, ...credentialsOf(target), ...headers },
        signal: options.signal,
      });
      sent.end();
      const [response] = (await once(sent, 'response')) as [IncomingMessage];
      times.firstByteMs += performance.now() - asked;
      const next = hop < options.redirects ? redirectOf(response, target) : undefined;
      for await (const chunk of response as AsyncIterable<Buffer>) if (next === undefined) options.onData(chunk);
      if (next === undefined)
        return {
          ...times,
          status: response.statusCode,
          headers: response.headers,
          certificate,
          certificateProblem,
          totalMs: performance.now() - began,
        };
      if (next.origin !== target.origin) headers = {};
      url = next.href;
    } finally {
      socket.destroy();
    }
  }
}

function credentialsOf({ username, password }: URL): Record<string, string> {
  if (username === '') return {};
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { authorization: `Basic ${Buffer.from(pair).toString('base64')}` };
}

function redirectOf({ statusCode = 0, headers }: IncomingMessage, from: URL): URL | undefined {
  if (![301, 302, 303, 307, 308].includes(statusCode) || headers.location === undefined) return undefined;
  if (!URL.canParse(headers.location, from.href)) return undefined;
  const next = new URL(headers.location, from.href);
  return next.protocol === 'http:' || next.protocol === 'https:' ? next : undefined;
}

const plus = (sum: number | undefined, more: number | undefined): number | undefined =>
  more === undefined ? sum : (sum ?? 0) + more;
