import type { ProxySettingName } from './settings.ts';

/** A setting on the command line: its flag and its text in `--help`. */
export interface ProxyFlag {
  readonly setting: ProxySettingName;
  readonly flag: string;
  readonly description: string;
  /** As `--help` shows it; if absent, the setting is off. */
  readonly shownDefault?: string;
}

/** All flags of `clowder-otel proxy`, in the order of `--help`. Each has an equivalent environment variable. */
export const PROXY_FLAGS: readonly ProxyFlag[] = [
  { setting: 'PROXY_LISTEN', flag: '--listen <host:port>', description: 'address to listen on; port 0 picks a free one', shownDefault: '127.0.0.1:8000' },
  { setting: 'PROXY_TARGET', flag: '--target <url>', description: 'address of Clowder, http or https', shownDefault: 'http://127.0.0.1:9000' },
  { setting: 'PROXY_ADMIN', flag: '--admin <host:port>', description: 'separate listener for /healthz, /readyz and /metrics' },
  { setting: 'CLOWDER_VERSION', flag: '--clowder <version>', description: "which Clowder's routes to recognise: auto, v1, v2", shownDefault: 'auto' },
  { setting: 'CLOWDER_CONTEXT', flag: '--context-path <path>', description: 'path that precedes every route of Clowder, e.g. /clowder' },
  { setting: 'CLOWDER_INSTANCE', flag: '--instance <name>', description: 'name of this Clowder in its events' },
  { setting: 'CLOWDER_ENRICH', flag: '--enrich <what>', description: 'ask Clowder for what events lack: off, or a list of names (of resources, their datasets and spaces), users (who makes a request)', shownDefault: 'off' },
  { setting: 'CLOWDER_ENRICH_URL', flag: '--enrich-url <url>', description: 'address to ask Clowder at, with the path that precedes every route; by default the target' },
  { setting: 'CLOWDER_ENRICH_API_KEY', flag: '--enrich-api-key <key>', description: 'key for asking for names; prefer the variable, because everybody can read a command line' },
  { setting: 'CLOWDER_ENRICH_TIMEOUT_S', flag: '--enrich-timeout <s>', description: 'how long events wait for the answers, 10 at most; requests never wait', shownDefault: '1' },
  { setting: 'CLOWDER_ENRICH_CACHE_SIZE', flag: '--enrich-cache-size <n>', description: 'how many answers to cache', shownDefault: '10000' },
  { setting: 'CLOWDER_ENRICH_CACHE_TTL_S', flag: '--enrich-cache-ttl <s>', description: 'how long to cache them', shownDefault: '300' },
  { setting: 'PROXY_HOST_HEADER', flag: '--host-header <how>', description: 'Host that Clowder sees: preserve, target', shownDefault: 'preserve' },
  { setting: 'PROXY_X_FORWARDED', flag: '--x-forwarded <how>', description: 'X-Forwarded-For, -Proto and -Host: set, append (a trusted proxy is in front), off', shownDefault: 'set' },
  { setting: 'PROXY_FORWARDED', flag: '--forwarded <how>', description: 'Forwarded (RFC 7239): set, append, off', shownDefault: 'off' },
  { setting: 'TRUSTED_PROXIES', flag: '--trusted-proxies <list>', description: 'reverse proxies in front whose trace continues: addresses or networks, separated by commas; by default, with append, every caller' },
  { setting: 'PROXY_VIA', flag: '--via <name>', description: 'add Via with this name' },
  { setting: 'PROXY_INJECT_SNIPPET', flag: '--inject-snippet', description: "insert the browser snippet into Clowder's pages" },
  { setting: 'PROXY_SNIPPET_KEY', flag: '--snippet-key <key>', description: 'key with scope browser for the snippet; everybody can read it in the pages' },
  { setting: 'PROXY_SNIPPET_PATH', flag: '--snippet-path <path>', description: "path of the snippet on Clowder's site", shownDefault: '/c/' },
  { setting: 'PROXY_SNIPPET_COLLECTOR', flag: '--snippet-collector <url>', description: 'the collector that serves the snippet and receives its reports', shownDefault: 'http://127.0.0.1:4318' },
  { setting: 'PROXY_TLS_CERT_FILE', flag: '--tls-cert <file>', description: 'certificate (chain) to serve https with, PEM; read again on SIGHUP' },
  { setting: 'PROXY_TLS_KEY_FILE', flag: '--tls-key <file>', description: 'its key, PEM' },
  { setting: 'PROXY_TARGET_CA_FILE', flag: '--target-ca <file>', description: "CA that signs Clowder's certificate, PEM" },
  { setting: 'PROXY_TARGET_INSECURE', flag: '--target-insecure', description: "do not check Clowder's certificate" },
  { setting: 'PROXY_CONNECT_TIMEOUT_S', flag: '--connect-timeout <s>', description: 'time-out for connecting to Clowder; 0 for none', shownDefault: '5' },
  { setting: 'PROXY_FIRST_BYTE_TIMEOUT_S', flag: '--first-byte-timeout <s>', description: 'time-out from the end of a request to the start of its answer; 0 for none', shownDefault: '300' },
  { setting: 'PROXY_IDLE_TIMEOUT_S', flag: '--idle-timeout <s>', description: 'time-out of a stalled request or answer, except event streams and WebSockets; 0 for none', shownDefault: '300' },
  { setting: 'PROXY_HEADERS_TIMEOUT_S', flag: '--headers-timeout <s>', description: 'time-out for the head of a request', shownDefault: '30' },
  { setting: 'PROXY_KEEP_ALIVE_S', flag: '--keep-alive <s>', description: "how long to keep a client's idle connection", shownDefault: '75' },
  { setting: 'PROXY_TARGET_KEEP_ALIVE_S', flag: '--target-keep-alive <s>', description: 'how long to keep an idle connection to Clowder; less than Clowder itself does', shownDefault: '4' },
  { setting: 'PROXY_MAX_HEADER_BYTES', flag: '--max-header-size <size>', description: 'largest head of a request or answer', shownDefault: '64KiB' },
  { setting: 'PROXY_MAX_CONNECTIONS', flag: '--max-connections <n>', description: 'client connections at once; further ones are closed' },
  { setting: 'PROXY_MAX_CONNECTIONS_PER_ADDRESS', flag: '--max-connections-per-address <n>', description: 'the same for one client address (IPv6: one /64)' },
  { setting: 'PROXY_MAX_REQUESTS_PER_ADDRESS', flag: '--max-requests-per-address <n>', description: 'requests in flight from one client address; further ones wait; 0 for no limit', shownDefault: '2048' },
  { setting: 'PROXY_MAX_TARGET_CONNECTIONS', flag: '--max-target-connections <n>', description: 'connections to Clowder at once; further requests wait; 0 for no limit', shownDefault: '4096' },
  { setting: 'PROXY_WORKERS', flag: '--workers <n>', description: 'how many processes share the work, for machines with more than one core', shownDefault: '1' },
  { setting: 'PROXY_DRAIN_S', flag: '--drain <s>', description: 'on SIGTERM, time for requests in flight to finish', shownDefault: '7' },
  { setting: 'LOG_LEVEL', flag: '--log-level <level>', description: 'trace, debug, info, warn, error, fatal, silent', shownDefault: 'info' },
  { setting: 'LOG_FORMAT', flag: '--log-format <format>', description: 'json, pretty (for people), auto (pretty on a terminal)', shownDefault: 'auto' },
]; // prettier-ignore
