import { z } from 'zod';
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

const bytes = z.preprocess(
  parseBytes,
  z
    .int('must be a size such as 65536 or 64KiB')
    .min(1024)
    .max(1024 ** 2),
);
const seconds = z.coerce.number('must be a number of seconds').nonnegative();
const path = z.string().min(1);
const flag = z.preprocess(parseFlag, z.boolean('must be true or false'));
const forwardedMode = z.enum(['set', 'append', 'off']);

function parseBytes(value: unknown): unknown {
  const match = typeof value === 'string' ? /^(\d+)\s*([KM]?)i?B?$/i.exec(value.trim()) : null;
  if (match === null) return value;
  return Number(match[1]) * 1024 ** ' KM'.indexOf((match[2] || ' ').toUpperCase());
}

function parseFlag(value: unknown): unknown {
  return value === 'true' || value === '1' ? true : value === 'false' || value === '0' ? false : value;
}

/** `127.0.0.1:8000`, `[::1]:8000` */
const address = z.string().transform((text, context) => {
  const match = /^(?:\[([0-9A-Fa-f:.]+)\]|([^\s:[\]/]+)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (match !== null && port <= 65_535) return { host: match[1] ?? match[2] ?? '', port };
  context.addIssue({ code: 'custom', message: 'must be an address and a port, such as 127.0.0.1:8000 or [::1]:8000' });
  return z.NEVER;
});

const target = z.string().transform((text, context) => {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const problem =
    url === undefined || (url.protocol !== 'http:' && url.protocol !== 'https:')
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
    (text, context) => parseEnriched(text) ?? refuse(context, `may be off, or a list of ${ENRICHED.join(', ')}`),
  );

const clowderUrl = z
  .string()
  .transform(
    (text, context) =>
      parseClowderUrl(text) ??
      refuse(
        context,
        'must be an http or https URL without user, password and query, such as http://127.0.0.1:9000/clowder',
      ),
  );

function refuse(context: z.core.$RefinementCtx, message: string): never {
  context.addIssue({ code: 'custom', message });
  return z.NEVER;
}

/** Every setting, by the name of its environment variable. */
const settings = z.object({
  PROXY_LISTEN: address.prefault('127.0.0.1:8000'),
  PROXY_TARGET: target.prefault('http://127.0.0.1:9000'),
  PROXY_ADMIN: address.optional(),
  CLOWDER_VERSION: z.enum(['auto', 'v1', 'v2']).default('auto'),
  CLOWDER_CONTEXT: z
    .string()
    .regex(/^\/?$|^\/[^?#]*$/, 'must be a path such as /clowder')
    .default(''),
  CLOWDER_INSTANCE: z.string().min(1).optional(),
  CLOWDER_ENRICH: enriched.prefault('off'),
  CLOWDER_ENRICH_URL: clowderUrl.optional(),
  CLOWDER_ENRICH_API_KEY: z.string().refine(isKey, 'must be a key: visible ASCII characters').optional(),
  CLOWDER_ENRICH_TIMEOUT_S: seconds.positive().max(LONGEST_TIMEOUT_S).default(DEFAULT_TIMEOUT_S),
  CLOWDER_ENRICH_CACHE_SIZE: z.coerce.number().int().positive().default(DEFAULT_CACHE_SIZE),
  CLOWDER_ENRICH_CACHE_TTL_S: seconds.positive().default(DEFAULT_CACHE_TTL_S),
  PROXY_HOST_HEADER: z.enum(['preserve', 'target']).default('preserve'),
  PROXY_X_FORWARDED: forwardedMode.default('set'),
  PROXY_FORWARDED: forwardedMode.default('off'),
  PROXY_VIA: z
    .string()
    .regex(/^[\w.:-]+$/, 'must be a name such as clowder-proxy')
    .optional(),
  PROXY_TLS_CERT_FILE: path.optional(),
  PROXY_TLS_KEY_FILE: path.optional(),
  PROXY_TARGET_CA_FILE: path.optional(),
  PROXY_TARGET_INSECURE: flag.default(false),
  PROXY_CONNECT_TIMEOUT_S: seconds.default(5),
  PROXY_FIRST_BYTE_TIMEOUT_S: seconds.default(300),
  PROXY_IDLE_TIMEOUT_S: seconds.default(300),
  PROXY_HEADERS_TIMEOUT_S: seconds.positive().default(30),
  PROXY_KEEP_ALIVE_S: seconds.positive().default(75),
  PROXY_TARGET_KEEP_ALIVE_S: seconds.positive().default(4),
  PROXY_MAX_HEADER_BYTES: bytes.default(64 * 1024),
  PROXY_MAX_CONNECTIONS: z.coerce.number().int().positive().optional(),
  PROXY_MAX_TARGET_CONNECTIONS: z.coerce.number().int().nonnegative().default(4096),
  PROXY_DRAIN_S: seconds.max(9, 'must be at most 9: the proxy ends within 10 s').default(7),
  LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info'),
});

export type ProxySettings = z.infer<typeof settings>;
export type ProxySettingName = keyof typeof settings.shape;

/** The configuration is wrong; the message names every variable that is, what it was and what it may be. */
export class ProxyConfigError extends Error {
  readonly code = 'invalid_config';
  override readonly name = 'ProxyConfigError';
}

/**
 * Checks settings as a whole, by the names of their environment variables; empty counts as unset.
 *
 * @param file settings of a file, in which only names that mean something may stand; `given` wins over it
 * @throws ProxyConfigError
 */
export function parseProxySettings(
  given: Readonly<Record<string, unknown>>,
  file: Readonly<Record<string, unknown>> = {},
): ProxySettings {
  const names = Object.keys(settings.shape);
  const isSet = (value: unknown): boolean => value !== undefined && value !== '';
  const present = Object.fromEntries(
    names
      .map((name): [string, unknown] => [name, isSet(given[name]) ? given[name] : file[name]])
      .filter(([, value]) => isSet(value)),
  );
  const problems = Object.keys(file)
    .filter((name) => !Object.hasOwn(settings.shape, name) && !name.startsWith('OTEL_'))
    .map((name) => `${name} is no setting of the proxy; known: ${names.join(', ')}`);
  const parsed = settings.safeParse(present);
  problems.push(...(parsed.error?.issues ?? []).map((issue) => explain(issue, present)));
  problems.push(...contradictions(parsed.data ?? rightOnes(present)));
  if (problems.length > 0 || !parsed.success)
    throw new ProxyConfigError(`The configuration is wrong:\n${problems.map((problem) => `  ${problem}`).join('\n')}`);
  return parsed.data;
}

/** Settings that are right by themselves, where others are not. */
function rightOnes(present: Readonly<Record<string, unknown>>): Partial<ProxySettings> {
  return Object.fromEntries(
    Object.entries(settings.shape).flatMap(([name, schema]) => {
      const { success, data } = schema.safeParse(present[name]);
      return success && data !== undefined ? [[name, data]] : [];
    }),
  );
}

/** What is wrong with settings that are each right by themselves. */
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

/** Port of a URL, the scheme's own where it names none. */
export function portOf(url: URL): number {
  return url.port !== '' ? Number(url.port) : url.protocol === 'https:' ? 443 : 80;
}

function explain(issue: z.core.$ZodIssue, given: Readonly<Record<string, unknown>>): string {
  const name = String(issue.path[0]);
  const allowed = issue.code === 'invalid_value' ? `; may be ${issue.values.join(', ')}` : '';
  // A key stays unsaid, and so does a password in a URL.
  const was = name.endsWith('_KEY') ? '"…"' : JSON.stringify(given[name])?.replace(/\/\/[^/@"]*@/, '//…@');
  return `${name} was ${was}: ${issue.message}${allowed}`;
}
