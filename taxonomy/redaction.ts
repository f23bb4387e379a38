import { cut } from './text.ts';

const REDACTED = 'REDACTED';

/**
 * Query parameters with secret values, in lower case: those of Clowder (reference, "Keys and what must never leak"), of its
 * login providers, and of presigned object store URLs.
 */
export const SECRET_PARAMETERS: ReadonlySet<string> = new Set([
  // Clowder
  'key', 'extractor_key', 'secretkey', 'uid', 'user', 'redirecturl', 'admin_key', 'commkey',
  // logins: OAuth 1 and 2, OpenID Connect, CAS, SAML
  'code', 'state', 'session_state', 'redirect_uri', 'nonce', 'code_verifier', 'id_token_hint', 'login_hint', 'oauth_token',
  'oauth_verifier', 'ticket', 'samlrequest', 'samlresponse', 'relaystate', 'assertion', 'otp', 'pin',
  'auth', 'authorization', 'session', 'session_id', 'sessionid', 'sid', 'jsessionid', 'jwt', 'cookie',
  // object stores
  'sig', 'awsaccesskeyid', 'googleaccessid',
]); // prettier-ignore

/** Ends of other names for secrets: `access_token`, `api-key`, `X-Amz-Signature`, `client_secret`. */
const SECRET_NAME =
  /(?:(?:^|[-_.])(?:key|pass|pwd|sig)|token|secret|passw(?:or)?d|passphrase|signature|credentials?|api_?key|access_?key)$/;
const SECRET_PREFIX = /^x-(?:amz|goog)-/;

/** Path segments, in lower case, that precede a secret one; pairs if one segment is not specific enough. */
export const BEFORE_SECRET: ReadonlySet<string> = new Set([
  'signup',
  'signupinvite',
  'reset',
  'files/links',
  'users/keys',
]);
/** `private.<secret>.<name>`, one user's extractor, at the start of a segment. The dots may be encoded. */
const PRIVATE_EXTRACTOR = /(^|\/)((?:error(?:\.|%2e))?private(?:\.|%2e))(?:(?!\.|%2e)[^/?#])+/gi;
const SESSION_IN_PATH = /(;jsessionid=)[^/?#;]+/gi;
/** Also within a path, because some instrumentations append an absolute target to the origin. */
const USER_INFO = /\/\/[^/?#]*@/g;
/** A cheap test that lets nearly all paths skip the others. Encoded text may be any of them. */
const PERHAPS_SECRET_PATH = /signup|reset|links|keys|private|[;%]|\/\//i;

/** Found in values that may be a URL with its own query. */
const NESTED = /%(?:25)?(?:3f|26|23)|[?#]/i;
/** Depth of URLs within URLs; deeper ones are replaced as a whole. */
const MAX_NESTING = 3;

/** Whether a parameter, header or field with this name holds a secret. */
export function isSecretName(name: string): boolean {
  const plain = (decoded(name) ?? name).toLowerCase().replace(/^amp;|\[\w*\]$/g, '');
  return SECRET_PARAMETERS.has(plain) || SECRET_NAME.test(plain) || SECRET_PREFIX.test(plain);
}

function decoded(text: string): string | undefined {
  if (!text.includes('%')) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

/** Encodes a component. Never throws, unlike `encodeURIComponent` on half a surrogate pair. */
function encoded(text: string): string {
  return encodeURIComponent(text.toWellFormed());
}

/** Replaces the values of secret parameters in a query string (without '?'); everything else stays byte for byte. */
export function redactQuery(query: string, depth = 0): string {
  if (!query.includes('=')) return query;
  return query
    .split('&')
    .map((pair) => {
      const equals = pair.indexOf('=');
      if (equals === -1) return pair;
      const name = pair.slice(0, equals);
      const value = pair.slice(equals + 1);
      const kept = isSecretName(name) ? REDACTED : redactValue(value, depth);
      return kept === value ? pair : `${name}=${kept}`;
    })
    .join('&');
}

/** Redacts a value that is not itself a secret, but may hold a URL with one, or an extractor's name. */
function redactValue(value: string, depth: number): string {
  const named = value.replace(PRIVATE_EXTRACTOR, `$1$2${REDACTED}`);
  if (!NESTED.test(named)) return named;
  const inner = decoded(named);
  if (inner === undefined || depth >= MAX_NESTING) return REDACTED;
  const redacted = redactUrl(inner, depth + 1);
  return redacted === inner ? named : encoded(redacted);
}

/** Replaces the secret segments of a path. */
export function redactPath(path: string, depth = 0): string {
  if (!PERHAPS_SECRET_PATH.test(path)) return path;
  let [before, last] = ['', ''];
  return path
    .replace(USER_INFO, '//')
    .replace(SESSION_IN_PATH, `$1${REDACTED}`)
    .split('/')
    .map((segment) => {
      if (segment === '') return segment;
      const isSecret = BEFORE_SECRET.has(last) || BEFORE_SECRET.has(`${before}/${last}`);
      [before, last] = [last, (decoded(segment) ?? segment).toLowerCase()];
      return isSecret ? REDACTED : redactSegment(segment, last, depth);
    })
    .join('/');
}

/** @param plain the segment decoded, in lower case */
function redactSegment(segment: string, plain: string, depth: number): string {
  const kept = redactValue(segment, depth);
  // The letters of `private` may be encoded too.
  return kept === segment && /^(?:error\.)?private\./.test(plain) ? encoded(redactExtractorName(plain)) : kept;
}

/** Replaces user info, secret path segments, secret parameters and the fragment's secret parameters in a URL or path. */
export function redactUrl(url: string, depth = 0): string {
  const hash = url.indexOf('#');
  const rest = hash === -1 ? url : url.slice(0, hash);
  const mark = rest.indexOf('?');
  const path = mark === -1 ? rest : rest.slice(0, mark);
  const query = mark === -1 ? '' : `?${redactQuery(rest.slice(mark + 1), depth)}`;
  const fragment = hash === -1 ? '' : `#${redactFragment(url.slice(hash + 1), depth)}`;
  const origin = originOf(path);
  return withoutUserInfo(origin) + redactPath(path.slice(origin.length), depth) + query + fragment;
}

/** Returns scheme and authority; '' if the URL has none. */
function originOf(path: string): string {
  const slash = path.indexOf('/');
  if (slash < 1 || path[slash - 1] !== ':' || path[slash + 1] !== '/') return '';
  const end = path.indexOf('/', slash + 2);
  return end === -1 ? path : path.slice(0, end);
}

function withoutUserInfo(origin: string): string {
  const at = origin.lastIndexOf('@');
  return at === -1 ? origin : origin.slice(0, origin.indexOf('//') + 2) + origin.slice(at + 1);
}

/** Redacts a fragment, in which a page's script may keep a path with a query: `#/login?token=…`. */
function redactFragment(fragment: string, depth: number): string {
  const mark = fragment.indexOf('?');
  if (mark === -1) return redactQuery(fragment, depth);
  return `${fragment.slice(0, mark)}?${redactQuery(fragment.slice(mark + 1), depth)}`;
}

/**
 * Replaces the secret in `private.<secret>.<name>`. It keeps a placeholder, so that a second redaction does not remove the
 * name.
 */
export function redactExtractorName(name: string): string {
  return name.replace(/^((?:error\.)?private\.)[^.]+/, `$1${REDACTED}`);
}

/** Ends of names whose values are secret in free text; `code` and `state` are secret only in URLs. */
const SECRET_WORD =
  '[\\w-]{0,64}(?:key|token|password|passwd|passphrase|secret|signature|credentials?)|x-(?:amz|goog)-[\\w-]{1,64}';
/** A name and the separator before its value: quotes, perhaps escaped, and `=`, `:`, or encoded `=`. */
const NAMED = `((?<![\\w-])(?:${SECRET_WORD})(?:\\\\*["'])?\\s*(?:[=:]|%3d)\\s*)`;

/** Matches every text that `NAMED` matches. It is cheap and runs first, because most texts have no such name. */
const PERHAPS_NAMED = /key|token|pass(?:word|wd|phrase)|secret|signature|credential|x-(?:amz|goog)-/i;

/** Patterns of credentials in free text, their replacements, and a cheap test that every text with one passes. */
const SECRET_TEXT: readonly (readonly [pattern: RegExp, kept: string, perhaps: RegExp])[] = [
  [/(?<![\w-])eyJ[\w-]{5,}\.[\w-]+(?:\.[\w-]*)?/g, REDACTED, /eyJ/],
  [/(\b(?:set-)?cookie\\*["']?\s*[:=]\s*\\*["']?)[^"'\\\n}]+/gi, `$1${REDACTED}`, /cookie/i],
  [
    /(\bauthorization\\*["']?\s*[:=]\s*\\*["']?(?:(?:bearer|basic)\s+)?)[^\s"',;}\\]+/gi,
    `$1${REDACTED}`,
    /authorization/i,
  ],
  [/\b(bearer)\s+[\w.~+/=-]{6,}/gi, `$1 ${REDACTED}`, /bearer/i],
  // Not every "basic …" in a sentence is a credential.
  [/\b([Bb]asic)\s+(?=[a-z+/]*[\dA-Z])[\w+/]{4,}={0,2}/g, `$1 ${REDACTED}`, /asic/],
  [new RegExp(`${NAMED}(\\\\*["'])(?:(?!(?<!\\\\)\\2).)+`, 'gis'), `$1$2${REDACTED}`, PERHAPS_NAMED],
  [new RegExp(`${NAMED}(?:(?!%26)[^\\s&"',;)}\\]>|\\\\])+`, 'gi'), `$1${REDACTED}`, PERHAPS_NAMED],
  // The look-behind starts after the scheme, so that long texts without a scheme cost almost nothing.
  [/(?<=[a-z][a-z0-9+.-]{0,15}:\/\/)[^/\s"'<>]+@/gi, '', /:\/\//],
  [/\b(private\.)[^.\s]+(?=\.)/g, `$1${REDACTED}`, /private\./],
];

/** Parts of a text between blanks, quotes and brackets. An address is always one whole part. */
const PART = /[^\s"'<>()[\]{}|\\^`,]+/g;

/** Replaces everything in free text that looks like a credential, and the secrets in its addresses. */
export function redactText(text: string): string {
  const redacted = SECRET_TEXT.reduce(
    (rest, [pattern, kept, perhaps]) => (perhaps.test(rest) ? rest.replace(pattern, kept) : rest),
    text,
  );
  return redacted.replace(PART, (part) => (/[/?]|%[23]f/i.test(part) ? redactUrl(part) : part));
}

/** Event fields that may hold secrets, how to redact them, and their longest value. */
const REDACTIONS: readonly (readonly [field: string, redact: (text: string) => string, longest: number])[] = [
  ['url', redactUrl, 8192],
  ['referrer', redactUrl, 8192],
  ['target', redactUrl, 2048],
  ['message', redactText, 32_768],
  ['error', redactText, 4096],
  ['status', redactText, 256],
  ['extractor_name', redactExtractorName, 1024],
];

/** Redacts the secrets in an event's fields, in place. */
export function redactFields(fields: Record<string, unknown>): void {
  for (const [field, redact, longest] of REDACTIONS) {
    const value = fields[field];
    if (typeof value !== 'string') continue;
    const redacted = redact(value);
    // The placeholder may be longer than the secret, which must not make the event invalid.
    fields[field] = value.length <= longest ? cut(redacted, longest) : redacted;
  }
}
