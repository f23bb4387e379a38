import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Registry } from 'prom-client';
import type { AdminPages, Readiness } from '../runtime/admin.ts';
import { listenError, urlOf } from '../runtime/listen-error.ts';
import type { HttpServer } from '../runtime/listener.ts';
import { count, ProxyStats } from './admin/stats.ts';
import type { EnrichmentStats } from '../instrumentation/enrichment/stats.ts';
import type { Delivery } from '../instrumentation/telemetry/retrying-sender.ts';
import { AddressPlaces } from './address-limits.ts';
import { createBufferReaper } from './buffer-reaper.ts';
import type { Observer } from './observation.ts';
import { readPem } from './pem.ts';
import { createReport, type ProxyLog } from './report.ts';
import { createProxyServer } from './server.ts';
import { portOf, type ProxySettings } from './settings.ts';

import { createBeside } from './snippet/beside.ts';
import { createPages } from './snippet/pages.ts';
import { tagOf } from './snippet/tag.ts';
import { createUpstream } from './upstream/index.ts';

export interface ProxyOptions {
  readonly settings: ProxySettings;
  readonly observer: Omit<Observer, 'onError'>;
  readonly log: ProxyLog;
  /** Counts of enrichment, for the metrics; undefined if it is off. */
  readonly enrichment?: EnrichmentStats | undefined;
  /** Whether other processes listen at the same address and the system distributes the connections. @default false */
  readonly sharesAddress?: boolean;
  /** The state of sending events, for each destination. @default events go nowhere */
  readonly deliveries?: () => readonly Delivery[];
}

export interface RunningProxy {
  /** URL where it listens, e.g. `http://127.0.0.1:8000`. */
  readonly url: string;
  /** URL of the admin listener; undefined without one. */
  readonly adminUrl: string | undefined;
  readonly stats: ProxyStats;
  /** The proxy's pages for an admin listener. */
  pages(): Promise<AdminPages & { readonly registry: Registry }>;
  /**
   * Reads the certificate and key again.
   *
   * @returns false if there are none, because the proxy serves http
   * @throws Error if they cannot be read or are invalid; the old ones stay in use
   */
  reloadTls(): boolean;
  /** Stops accepting, and finishes requests in flight within PROXY_DRAIN_S. */
  stop(): Promise<void>;
}

const BACKLOG = 4096;
const CLOSE_IDLE_EVERY_MS = 100;

/**
 * Starts the proxy and listens.
 *
 * @throws ConfigError if a certificate, key or CA file cannot be read
 * @throws ListenError if an address cannot be listened on
 */
export async function startProxy({
  settings,
  observer,
  log,
  enrichment,
  sharesAddress = false,
  deliveries = () => [],
}: ProxyOptions): Promise<RunningProxy> {
  const stats = new ProxyStats();
  const target = settings.PROXY_TARGET;
  let draining = false;
  let shownPages: ReturnType<RunningProxy['pages']> | undefined;
  const ca = readPem('PROXY_TARGET_CA_FILE', settings.PROXY_TARGET_CA_FILE);
  const upstream = createUpstream({
    host: target.hostname.replace(/^\[|\]$/g, ''),
    port: portOf(target),
    tls:
      target.protocol === 'https:'
        ? { rejectUnauthorized: !settings.PROXY_TARGET_INSECURE, ...(ca !== undefined && { ca }) }
        : undefined,
    maxHeadBytes: settings.PROXY_MAX_HEADER_BYTES,
    connectTimeoutMs: settings.PROXY_CONNECT_TIMEOUT_S * 1000,
    firstByteTimeoutMs: settings.PROXY_FIRST_BYTE_TIMEOUT_S * 1000,
    idleTimeoutMs: settings.PROXY_IDLE_TIMEOUT_S * 1000,
    maxConnections: settings.PROXY_MAX_TARGET_CONNECTIONS,
    keepAliveMs: settings.PROXY_TARGET_KEEP_ALIVE_S * 1000,
    onExcess: () => {
      stats.excess += 1;
      // Warn once only: a Clowder that does this does it all the time.
      log[stats.excess === 1 ? 'warn' : 'debug']({}, 'Clowder sent more than its answer; the connection was closed');
    },
  });
  const tlsFiles = (): { cert: Buffer; key: Buffer } | undefined => {
    const cert = readPem('PROXY_TLS_CERT_FILE', settings.PROXY_TLS_CERT_FILE);
    const key = readPem('PROXY_TLS_KEY_FILE', settings.PROXY_TLS_KEY_FILE);
    return cert === undefined || key === undefined ? undefined : { cert, key };
  };
  const tls = tlsFiles();
  const beside = settings.PROXY_INJECT_SNIPPET
    ? createBeside({
        collector: new URL(settings.PROXY_SNIPPET_COLLECTOR),
        path: settings.PROXY_SNIPPET_PATH,
        trustForwarded: settings.PROXY_X_FORWARDED === 'append',
        log,
      })
    : undefined;
  const tag = tagOf({ path: settings.PROXY_SNIPPET_PATH, key: settings.PROXY_SNIPPET_KEY });
  const listening = createProxyServer({
    rules: {
      hostHeader: settings.PROXY_HOST_HEADER,
      targetHost: target.host,
      xForwarded: settings.PROXY_X_FORWARDED,
      forwarded: settings.PROXY_FORWARDED,
      via: settings.PROXY_VIA,
    },
    observer: {
      ...observer,
      onError: (error) => {
        stats.captureErrors += 1;
        log.debug({ err: error }, 'a request could not be captured');
      },
    },
    exchanges: {
      upstream,
      places: new AddressPlaces(settings.PROXY_MAX_REQUESTS_PER_ADDRESS, settings.PROXY_FIRST_BYTE_TIMEOUT_S * 1000),
      via: settings.PROXY_VIA,
      pages: createPages(beside && tag),
      passed: createBufferReaper(),
      draining: () => draining,
      report: createReport(stats, log),
    },
    beside,
    tls,
    maxHeaderBytes: settings.PROXY_MAX_HEADER_BYTES,
    headersTimeoutMs: settings.PROXY_HEADERS_TIMEOUT_S * 1000,
    keepAliveTimeoutMs: settings.PROXY_KEEP_ALIVE_S * 1000,
    maxConnections: settings.PROXY_MAX_CONNECTIONS,
    maxConnectionsPerAddress: settings.PROXY_MAX_CONNECTIONS_PER_ADDRESS,
    onConnectionRefused: () => {
      stats.connectionsRefused += 1;
    },
    onClientError: (status) => count(stats.refused, String(status)),
  });
  const { server } = listening;
  const admin = settings.PROXY_ADMIN === undefined ? undefined : await openAdmin(settings.PROXY_ADMIN);
  const scheme = tls === undefined ? 'http' : 'https';
  const url = await listen(server, { ...settings.PROXY_LISTEN, reusePort: sharesAddress }, scheme).catch(
    async (error: unknown) => {
      await admin?.close();
      upstream.close();
      throw error;
    },
  );
  server.on('error', (error) => log.error({ err: error }, 'a connection could not be accepted'));
  log.info({ url, target: target.origin, admin: admin?.url }, 'proxy is listening');

  async function openAdmin(address: { host: string; port: number }): Promise<HttpServer> {
    const [{ startAdmin }, shown] = await Promise.all([import('../runtime/admin.ts'), pages()]);
    return startAdmin({ ...address, setting: 'PROXY_ADMIN' }, shown);
  }

  /** Loaded only when needed: the metrics code is as large as the rest of the proxy. */
  function pages(): ReturnType<RunningProxy['pages']> {
    shownPages ??= makePages();
    return shownPages;
  }

  async function makePages(): ReturnType<RunningProxy['pages']> {
    const [{ statsRegistry }, { collectorCheck }] = await Promise.all([
      import('./admin/registry.ts'),
      import('./admin/deliveries.ts'),
    ]);
    const registry = statsRegistry(stats, () => upstream.size, enrichment, deliveries);
    const readiness = async (): Promise<Readiness> => {
      if (draining) return { ready: false, body: { status: 'stopping' } };
      const reason = await upstream.probe();
      const clowder = { ok: reason === undefined, ...(reason !== undefined && { reason }) };
      const checks = { clowder, collector: collectorCheck(deliveries()) };
      return { ready: clowder.ok, body: { status: clowder.ok ? 'ready' : 'unavailable', checks } };
    };
    return { readiness, registry };
  }

  async function stop(): Promise<void> {
    draining = true;
    log.info({ in_flight: stats.inFlight }, 'stopping');
    const closed = Promise.withResolvers<void>();
    let listens = true;
    server.close(() => {
      listens = false;
    });
    const look = (): void => {
      // Answers already begun did not announce the close; their connections are idle only afterwards.
      server.closeIdleConnections();
      // A request that its client has left may still change something in Clowder.
      if (!listens && stats.inFlight === 0) closed.resolve();
    };
    const looking = setInterval(look, CLOSE_IDLE_EVERY_MS);
    listening.endTunnels('leisure');
    const late = setTimeout(() => {
      log.warn({ in_flight: stats.inFlight }, 'requests did not finish in time and were cut off');
      server.closeAllConnections();
      listening.endTunnels('once');
      closed.resolve();
    }, settings.PROXY_DRAIN_S * 1000);
    await closed.promise;
    clearTimeout(late);
    clearInterval(looking);
    upstream.close();
    beside?.close();
    await admin?.close();
  }

  return {
    url,
    adminUrl: admin?.url,
    stats,
    pages,
    reloadTls: () => {
      const renewed = tlsFiles();
      if (renewed !== undefined) listening.renewTls(renewed);
      return renewed !== undefined;
    },
    stop,
  };
}

async function listen(
  server: Server,
  { host, port, reusePort }: { host: string; port: number; reusePort: boolean },
  scheme: 'http' | 'https',
): Promise<string> {
  server.listen({ host, port, backlog: BACKLOG, reusePort });
  await once(server, 'listening').catch((cause: unknown) => {
    throw listenError(cause, { host, port, setting: 'PROXY_LISTEN' });
  });
  const bound = server.address() as AddressInfo;
  return urlOf(scheme, host, bound.port);
}
