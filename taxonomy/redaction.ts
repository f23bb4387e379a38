import { cut } from './text.ts';

const REDACTED = 'REDACTED';

/**
 * Query parameters whose value is a secret, lower case: those of Clowder (reference, "Keys and what must never leak"),
 * of its login providers, and of presigned object-store URLs.
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

/** Ends of other names that say the same: `access_token`, `api-key`, `X-Amz-Signature`, `client_secret`. */
const SECRET_NAME =
  /(?:(?:^|[-_.])(?:key|pass|pwd|sig)|token|secret|passw(?:or)?d|passphrase|signature|credentials?|api_?key|access_?key)$/;
const SECRET_PREFIX = /^x-(?:amz|goog)-/;

/** Path segments, lower case, after which the next one is a secret; two of them where one alone says too little. */
export const BEFORE_SECRET: ReadonlySet<string> = new Set([
  'signup',
  'signupinvite',
  'reset',
  'files/links',
  'users/keys',
]);
/** `private.<secret>.<name>`, an extractor of one user, at the start of a segment; the dots may be encoded. */
const PRIVATE_EXTRACTOR = /(^|\/)((?:error(?:\.|%2e))?private(?:\.|%2e))(?:(?!\.|%2e)[^/?#])+/gi;
const SESSION_IN_PATH = /(;jsessionid=)[^/?#;]+/gi;
/** Also within a path: instrumentations put an absolute target behind the origin. */
const USER_INFO = /\/\/[^/?#]*@/g;
/** A cheap test that spares nearly all paths the others; what is encoded may be any of them. */
const PERHAPS_SECRET_PATH = /signup|reset|links|keys|private|[;%]|\/\//i;

/** What a value has in it that may be a URL with a query of its own. */
const NESTED = /%(?:25)?(?:3f|26|23)|[?#]/i;
/** URLs within URLs within URLs: deeper ones are replaced as a whole. */
const MAX_NESTING = 3;

/** Whether a parameter, header or field of this name holds a secret. */
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

/** Never throws, as encoding half a surrogate pair would. */
function encoded(text: string): string {
  return encodeURIComponent(text.toWellFormed());
}

/** A query string (without '?') with the values of secret parameters replaced; everything else stays byte for byte. */
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

/** A value that is no secret itself: it may hold a URL that has one, or an extractor's name. */
function redactValue(value: string, depth: number): string {
  const named = value.replace(PRIVATE_EXTRACTOR, `$1$2${REDACTED}`);
  if (!NESTED.test(named)) return named;
  const inner = decoded(named);
  if (inner === undefined || depth >= MAX_NESTING) return REDACTED;
  const redacted = redactUrl(inner, depth + 1);
  return redacted === inner ? named : encoded(redacted);
}

/** A path with its secret segments replaced. */
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

/** @param plain the segment decoded, lower case */
function redactSegment(segment: string, plain: string, depth: number): string {
  const kept = redactValue(segment, depth);
  // The letters of `private` may be encoded too.
  return kept === segment && /^(?:error\.)?private\./.test(plain) ? encoded(redactExtractorName(plain)) : kept;
}

/** A URL or path with user info, secret path segments, secret parameters and the fragment's parameters replaced. */
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

/** Scheme and authority; '' if the URL has none. */
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

/** A page's script may keep a path with a query in the fragment: `#/login?token=…`. */
function redactFragment(fragment: string, depth: number): string {
  const mark = fragment.indexOf('?');
  if (mark === -1) return redactQuery(fragment, depth);
  return `${fragment.slice(0, mark)}?${redactQuery(fragment.slice(mark + 1), depth)}`;
}

/** `private.<secret>.<name>` with the secret replaced: in its place, so that a second redaction takes nothing of the name. */
export function redactExtractorName(name: string): string {
  return name.replace(/^((?:error\.)?private\.)[^.]+/, `$1${REDACTED}`);
}

/** Ends of names whose value is a secret in free text; `code` and `state` are so in URLs only. */
const SECRET_WORD =
  '[\\w-]{0,64}(?:key|token|password|passwd|passphrase|secret|signature|credentials?)|x-(?:amz|goog)-[\\w-]{1,64}';
/** A name and what parts it from its value: quotes, perhaps escaped, and `=`, `:`, or `=` encoded. */
const NAMED = `((?<![\\w-])(?:${SECRET_WORD})(?:\\\\*["'])?\\s*(?:[=:]|%3d)\\s*)`;

/** In every text that `NAMED` matches; looked for first, as most texts have none and this costs them little. */
const PERHAPS_NAMED = /key|token|pass(?:word|wd|phrase)|secret|signature|credential|x-(?:amz|goog)-/i;

/** What reads like a credential in free text, what is left of it, and what every text has that holds one. */
const SECRET_TEXT: readonly (readonly [pattern: RegExp, kept: string, perhaps: RegExp])[] = [
  [/(?<![\w-])eyJ[\w-]{5,}\.[\w-]+(?:\.[\w-]*)?/g, REDACTED, /eyJ/],
  [/(\b(?:set-)?cookie\\*["']?\s*[:=]\s*\\*["']?)[^"'\\\n}]+/gi, `$1${REDACTED}`, /cookie/i],
  [
    /(\bauthorization\\*["']?\s*[:=]\s*\\*["']?(?:(?:bearer|basic)\s+)?)[^\s"',;}\\]+/gi,
    `$1${REDACTED}`,
    /authorization/i,
  ],
  [/\b(bearer)\s+[\w.~+/=-]{6,}/gi, `$1 ${REDACTED}`, /bearer/i],
  // Not every «basic …» in a sentence is one.
  [/\b([Bb]asic)\s+(?=[a-z+/]*[\dA-Z])[\w+/]{4,}={0,2}/g, `$1 ${REDACTED}`, /asic/],
  [new RegExp(`${NAMED}(\\\\*["'])(?:(?!(?<!\\\\)\\2).)+`, 'gis'), `$1$2${REDACTED}`, PERHAPS_NAMED],
  [new RegExp(`${NAMED}(?:(?!%26)[^\\s&"',;)}\\]>|\\\\])+`, 'gi'), `$1${REDACTED}`, PERHAPS_NAMED],
  // Behind the scheme, as it costs a long text without one next to nothing to look back from here.
  [/(?<=[a-z][a-z0-9+.-]{0,15}:\/\/)[^/\s"'<>]+@/gi, '', /:\/\//],
  [/\b(private\.)[^.\s]+(?=\.)/g, `$1${REDACTED}`, /private\./],
];

/** Parts of a text between blanks, quotes and brackets: an address is one of them as a whole. */
const PART = /[^\s"'<>()[\]{}|\\^`,]+/g;

/** Free text with anything that reads like a credential replaced, and the secrets of the addresses in it. */
export function redactText(text: string): string {
  const redacted = SECRET_TEXT.reduce(
    (rest, [pattern, kept, perhaps]) => (perhaps.test(rest) ? rest.replace(pattern, kept) : rest),
    text,
  );
  return redacted.replace(PART, (part) => (/[/?]|%[23]f/i.test(part) ? redactUrl(part) : part));
}

/** Which fields of an event may hold a secret, what takes it out, and how long each may be. */
const REDACTIONS: readonly (readonly [field: string, redact: (text: string) => string, longest: number])[] = [
  ['url', redactUrl, 8192],
  ['referrer', redactUrl, 8192],
  ['target', redactUrl, 2048],
  ['message', redactText, 32_768],
  ['error', redactText, 4096],
  ['status', redactText, 256],
  ['extractor_name', redactExtractorName, 1024],
];

/** Takes the secrets out of an event's fields, in place. */
export function redactFields(fields: Record<string, unknown>): void {
  for (const [field, redact, longest] of REDACTIONS) {
    const value = fields[field];
    if (typeof value !== 'string') continue;
    const redacted = redact(value);
    // What takes the place of a secret may be longer: an event is not refused for that.
    fields[field] = value.length <= longest ? cut(redacted, longest) : redacted;
  }
}
