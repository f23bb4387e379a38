import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { isIP, connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls, rootCertificates, type PeerCertificate } from 'node:tls';

export interface ConnectOptions {
  readonly host: string;
  readonly port: number;
  readonly tls: boolean;
  /** CA certificates in PEM form, in addition to those that Node includes. */
  readonly ca?: Buffer | undefined;
  readonly signal: AbortSignal;
}

/** The state of a server's certificate. */
export interface CertificateState {
  readonly daysLeft: number;
  /** Why it is not trusted, as a code of OpenSSL or Node; undefined if it is. */
  readonly problem: string | undefined;
}

/** An open connection, and how long its phases took, in milliseconds. */
export interface Connection {
  readonly socket: Socket;
  readonly dnsMs: number | undefined;
  readonly connectMs: number;
  readonly tlsMs: number | undefined;
  readonly certificate: CertificateState | undefined;
}

const DAY_MS = 86_400_000;

/**
 * Connects and measures how long it takes. An untrusted certificate is not an error here: nothing has been sent to the
 * server yet, and the days left are still worth knowing.
 *
 * @throws Error of the network or the signal
 */
export async function openConnection({ host, port, tls, ca, signal }: ConnectOptions): Promise<Connection> {
  const began = performance.now();
  let lookedUp = began;
  const name = host.replaceAll(/[[\]]/g, '');
  const raw = connectTcp({ host: name, port, signal });
  // The signal destroys the socket, and whatever waits for it then fails.
  raw.on('error', () => undefined);
  raw.once('lookup', () => (lookedUp = performance.now()));
  await once(raw, 'connect');
  const connected = performance.now();
  const timing = { dnsMs: isIP(name) === 0 ? lookedUp - began : undefined, connectMs: connected - lookedUp };
  if (!tls) return { socket: raw, ...timing, tlsMs: undefined, certificate: undefined };

  const secure = connectTls({
    socket: raw,
    rejectUnauthorized: false,
    ...(isIP(name) === 0 ? { servername: name } : { host: name }),
    ...(ca !== undefined && { ca: [...rootCertificates, ca] }),
  });
  secure.on('error', () => undefined);
  await once(secure, 'secureConnect', { signal });
  const problem = secure.authorized ? undefined : reasonOf(secure.authorizationError);
  return {
    socket: secure,
    ...timing,
    tlsMs: performance.now() - connected,
    certificate: { daysLeft: daysLeft(secure.getPeerCertificate()), problem },
  };
}

/** CA certificates in PEM form; read for each attempt, because they are renewed. */
export function readCa(path: string | undefined): Buffer | undefined {
  return path === undefined ? undefined : readFileSync(path);
}

/** Days left of the presented certificate; may be negative. */
function daysLeft(certificate: PeerCertificate): number {
  const until = new X509Certificate(certificate.raw).validToDate.getTime();
  return Math.round(((until - Date.now()) / DAY_MS) * 100) / 100;
}

/** Node's types declare an Error, but it is a code. */
function reasonOf(error: unknown): string {
  if (error instanceof Error) return 'code' in error && typeof error.code === 'string' ? error.code : error.message;
  return String(error);
}

const CERTIFICATE_PROBLEMS: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'the certificate has expired',
  CERT_NOT_YET_VALID: 'the certificate is not valid yet',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'the certificate is self-signed',
  SELF_SIGNED_CERT_IN_CHAIN: 'the certificate is of an authority that is not trusted',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'the certificate is of an authority that is not trusted',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'the certificate is of an authority that is not trusted',
  ERR_TLS_CERT_ALTNAME_INVALID: 'the certificate is for another host',
};

export interface CertificateRules {
  /** @default true */
  readonly tls_verify?: boolean | undefined;
  readonly tls_min_days?: number | undefined;
}

/** Why the certificate makes the reading bad, or undefined. */
export function certificateError(
  state: CertificateState | undefined,
  { tls_verify: verify = true, tls_min_days: minDays }: CertificateRules,
): string | undefined {
  if (state === undefined) return undefined;
  const { problem, daysLeft: left } = state;
  if (verify && problem !== undefined)
    return `${CERTIFICATE_PROBLEMS[problem] ?? 'the certificate cannot be trusted'} (${problem})`;
  if (minDays !== undefined && left < minDays) return `the certificate expires in ${left} days, fewer than ${minDays}`;
  return undefined;
}
