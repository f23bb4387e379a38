import { z } from 'zod';
import { ConfigError } from '../runtime/config/config-error.ts';
import { oneOf, parseSettings, text, valueOf } from '../runtime/config/schema.ts';
import { givenOf, isUnset, type Given } from '../runtime/config/source.ts';
import { networks } from '../runtime/config/networks.ts';
import * as values from '../runtime/config/values.ts';
import { otelProblems } from '../instrumentation/telemetry/otel-settings.ts';
import {
  DEFAULT_CACHE_SIZE,
  DEFAULT_CACHE_TTL_S,
  DEFAULT_TIMEOUT_S,
  ENRICHED,
  LONGEST_TIMEOUT_S,
  isKey,
  parseClowderUrl,
  parseEnriched,
} from '../instrumentation/enrichment/settings.ts';

const seconds = valueOf(values.seconds({ least: 0 }));
const someSeconds = valueOf(values.seconds({ above: 0 }));
const some = valueOf(values.integer({ least: 1 }));
const address = valueOf(values.address());
const forwardedMode = oneOf(['set', 'append', 'off']);

const target = text.transform((given, context) => {
  const url = values.parseHttpUrl(given);
  const problem =
    url === undefined
      ? 'must be an http or https URL, such as http://127.0.0.1:9000'
      : url.username !== '' || url.password !== ''
        ? 'may not hold a user name or password'
        : url.pathname !== '/' || url.search !== '' || url.hash !== ''
          ? 'may not have a path: paths pass as they are; CLOWDER_CONTEXT names the one before every route'
          : undefined;
  if (url !== undefined && problem === undefined) return url;
  context.addIssue({ code: 'custom', message: problem ?? '' });
  return z.NEVER;
});

const enriched = z
  .string()
  .transform(
    (given, context) => parseEnriched(given) ?? refuse(context, `may be off, or a list of ${ENRICHED.join(', ')}`),
  );

const clowderUrl = z
  .string()
  .transform(
    (given, context) =>
      parseClowderUrl(given) ??
      refuse(
        context,
        'must be an http or https URL without user, password and query, such as http://127.0.0.1:9000/clowder',
      ),
  );

function refuse(context: z.core.$RefinementCtx, message: string): never {
  context.addIssue({ code: 'custom', message });
  return z.NEVER;
}

/** All settings, by their environment variables. */
const settings = z.object({
  PROXY_LISTEN: address.prefault('127.0.0.1:8000'),
  PROXY_TARGET: target.prefault('http://127.0.0.1:9000'),
  PROXY_ADMIN: address.optional(),
  CLOWDER_VERSION: oneOf(['auto', 'v1', 'v2']).default('auto'),
  CLOWDER_CONTEXT: valueOf(values.contextPath).default(''),
  CLOWDER_INSTANCE: text.optional(),
  CLOWDER_ENRICH: enriched.prefault('off'),
  CLOWDER_ENRICH_URL: clowderUrl.optional(),
  CLOWDER_ENRICH_API_KEY: z.string().refine(isKey, 'must be a key: visible ASCII characters').optional(),
  CLOWDER_ENRICH_TIMEOUT_S: valueOf(values.seconds({ above: 0, most: LONGEST_TIMEOUT_S })).default(DEFAULT_TIMEOUT_S),
  CLOWDER_ENRICH_CACHE_SIZE: some.default(DEFAULT_CACHE_SIZE),
  CLOWDER_ENRICH_CACHE_TTL_S: someSeconds.default(DEFAULT_CACHE_TTL_S),
  PROXY_HOST_HEADER: oneOf(['preserve', 'target']).default('preserve'),
  PROXY_X_FORWARDED: forwardedMode.default('set'),
  PROXY_FORWARDED: forwardedMode.default('off'),
  TRUSTED_PROXIES: valueOf(networks).optional(),
  PROXY_VIA: z
    .string()
    .regex(/^[\w.:-]+$/, 'must be a name such as clowder-proxy')
    .optional(),
  PROXY_INJECT_SNIPPET: valueOf(values.flag).default(false),
  PROXY_SNIPPET_KEY: text.optional(),
  PROXY_SNIPPET_PATH: z
    .string()
    .regex(/^\/(?:[\w~.-]+\/)*$/, 'must be a path that begins and ends with a slash, such as /c/')
    .default('/c/'),
  PROXY_SNIPPET_COLLECTOR: valueOf(values.httpUrl).default('http://127.0.0.1:4318'),
  PROXY_TLS_CERT_FILE: text.optional(),
  PROXY_TLS_KEY_FILE: text.optional(),
  PROXY_TARGET_CA_FILE: text.optional(),
  PROXY_TARGET_INSECURE: valueOf(values.flag).default(false),
  PROXY_CONNECT_TIMEOUT_S: seconds.default(5),
  PROXY_FIRST_BYTE_TIMEOUT_S: seconds.default(300),
  PROXY_IDLE_TIMEOUT_S: seconds.default(300),
  PROXY_HEADERS_TIMEOUT_S: someSeconds.default(30),
  PROXY_KEEP_ALIVE_S: someSeconds.default(75),
  PROXY_TARGET_KEEP_ALIVE_S: someSeconds.default(4),
  PROXY_MAX_HEADER_BYTES: valueOf(values.size({ least: 1024, most: 1024 ** 2 })).default(64 * 1024),
  PROXY_MAX_CONNECTIONS: some.optional(),
  PROXY_MAX_CONNECTIONS_PER_ADDRESS: some.optional(),
  PROXY_MAX_REQUESTS_PER_ADDRESS: valueOf(values.integer({ least: 0 })).default(2048),
  PROXY_MAX_TARGET_CONNECTIONS: valueOf(values.integer({ least: 0 })).default(4096),
  PROXY_WORKERS: valueOf(values.integer({ least: 1, most: 128 })).default(1),
  PROXY_DRAIN_S: valueOf(
    values.seconds({ least: 0, most: 9 }),
    'must be a number of seconds from 0 to 9: the proxy ends within 10 s',
  ).default(7),
  LOG_LEVEL: oneOf(values.LOG_LEVELS).default('info'),
  LOG_FORMAT: oneOf(values.LOG_FORMATS).default('auto'),
});

export type ProxySettings = z.infer<typeof settings>;
export type ProxySettingName = keyof typeof settings.shape;

/**
 * Checks all settings, by the names of their environment variables. Empty counts as unset.
 *
 * @param file settings from a file, which may contain only known names; `given` overrides it
 * @throws ConfigError
 */
export function parseProxySettings(given: Given, file: Given = {}): ProxySettings {
  const names = Object.keys(settings.shape);
  const problems = Object.keys(file)
    .filter((name) => !Object.hasOwn(settings.shape, name) && !name.startsWith('OTEL_'))
    .map((name) => `${name} is not a setting of the proxy; known: ${names.join(', ')}`);
  const parsed = parseSettings(settings, givenOf(names, given, file));
  problems.push(...parsed.problems, ...contradictions(parsed.right));
  problems.push(...otelProblems({ ...file, ...present(given) }).map(({ message }) => message));
  if (problems.length > 0 || parsed.data === undefined) throw ConfigError.of(problems);
  return parsed.data;
}

/** The variables that are set: an empty one does not hide a file's setting. */
const present = (given: Given): Given =>
  Object.fromEntries(Object.entries(given).filter(([, value]) => !isUnset(value)));

/** Conflicts between settings that are each valid on their own. */
function contradictions(given: Partial<ProxySettings>): string[] {
  const problems: string[] = [];
  if ((given.PROXY_TLS_CERT_FILE === undefined) !== (given.PROXY_TLS_KEY_FILE === undefined))
    problems.push('PROXY_TLS_CERT_FILE and PROXY_TLS_KEY_FILE belong together: set both or neither');
  const { PROXY_TARGET: url, PROXY_LISTEN: listen } = given;
  const trusts = given.PROXY_TARGET_CA_FILE !== undefined || given.PROXY_TARGET_INSECURE === true;
  if (url?.protocol === 'http:' && trusts)
    problems.push('PROXY_TARGET_CA_FILE and PROXY_TARGET_INSECURE are for an https PROXY_TARGET');
  if (url !== undefined && isAddressOf(listen, url))
    problems.push('PROXY_TARGET was the address of PROXY_LISTEN: the proxy would call itself');
  if (given.CLOWDER_VERSION === 'auto' && (given.CLOWDER_ENRICH?.length ?? 0) > 0)
    problems.push('CLOWDER_ENRICH needs CLOWDER_VERSION: v1 or v2, whose API is to be asked');
  if (given.CLOWDER_ENRICH_URL !== undefined && isAddressOf(listen, given.CLOWDER_ENRICH_URL))
    problems.push('CLOWDER_ENRICH_URL was the address of PROXY_LISTEN: it is Clowder that is asked, not the proxy');
  return problems;
}

function isAddressOf(listen: ProxySettings['PROXY_LISTEN'] | undefined, url: URL): boolean {
  return listen?.port === portOf(url) && listen.host === url.hostname.replace(/[[\]]/g, '');
}

/** Port of a URL; the scheme's default if it names none. */
export function portOf(url: URL): number {
  return url.port !== '' ? Number(url.port) : url.protocol === 'https:' ? 443 : 80;
}
