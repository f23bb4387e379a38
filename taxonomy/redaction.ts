const REDACTED = 'REDACTED';

/** Query parameters whose value is a secret, in Clowder and in presigned object-store URLs. */
const SECRET_PARAMETERS = new Set([
  'key', 'api_key', 'apikey', 'token', 'access_token', 'refresh_token', 'id_token', 'password', 'passwd', 'pwd', 'uid',
  'code', 'state', 'session_state', 'secret', 'secretkey', 'client_secret', 'extractor_key', 'authorization', 'auth',
  'sig', 'signature', 'awsaccesskeyid', 'credential', 'redirecturl', 'redirect_uri',
]); // prettier-ignore

/** Path segments after which the next one is a secret. */
const SECRET_PATHS = [
  /(\/signup\/)[^/?#]+/gi,
  /(\/reset\/)[^/?#]+/gi,
  /(\/signupInvite\/)[^/?#]+/gi,
  /(\/files\/links\/)[^/?#]+/gi,
  /(\/users\/keys\/)[^/?#]+/gi,
];

function isSecretParameter(name: string): boolean {
  let decoded = name;
  try {
    decoded = decodeURIComponent(name);
  } catch {
    // A name that cannot be decoded is compared as it is.
  }
  const lower = decoded.toLowerCase();
  return SECRET_PARAMETERS.has(lower) || lower.startsWith('x-amz-') || lower.startsWith('x-goog-');
}

/** A query string (without '?') with the values of secret parameters replaced; everything else stays byte for byte. */
export function redactQuery(query: string): string {
  if (query === '') return query;
  return query
    .split('&')
    .map((pair) => {
      const equals = pair.indexOf('=');
      if (equals === -1) return pair;
      const name = pair.slice(0, equals);
      if (isSecretParameter(name)) return `${name}=${REDACTED}`;
      return name.toLowerCase() === 'extractorname' ? `${name}=${redactExtractorName(pair.slice(equals + 1))}` : pair;
    })
    .join('&');
}

/** A path with its secret segments replaced. */
export function redactPath(path: string): string {
  let redacted = path;
  for (const pattern of SECRET_PATHS) redacted = redacted.replace(pattern, `$1${REDACTED}`);
  return redacted;
}

/** A URL or path with user info, secret path segments, secret parameters and the fragment's parameters replaced. */
export function redactUrl(url: string): string {
  const hash = url.indexOf('#');
  const fragment = hash === -1 ? '' : url.slice(hash + 1);
  const rest = hash === -1 ? url : url.slice(0, hash);
  const mark = rest.indexOf('?');
  let path = mark === -1 ? rest : rest.slice(0, mark);
  path = path.replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/@]*@/i, '$1');
  path = redactPath(path);
  const query = mark === -1 ? '' : `?${redactQuery(rest.slice(mark + 1))}`;
  return path + query + (hash === -1 ? '' : `#${fragment.includes('=') ? redactQuery(fragment) : fragment}`);
}

/** `private.<secret>.<name>` with the secret replaced: in its place, so that a second redaction takes nothing of the name. */
export function redactExtractorName(name: string): string {
  return name.replace(/^((?:error\.)?private\.)[^.]+/, `$1${REDACTED}`);
}

/** Free text with anything that reads like a credential replaced. */
export function redactText(text: string): string {
  return text
    .replace(/\b(bearer|basic)\s+[\w.~+/=-]{6,}/gi, `$1 ${REDACTED}`)
    .replace(
      /([?&;\s"'{,]|^)((?:[\w-]*(?:key|token|password|passwd|secret|signature))"?\s*[=:]\s*"?)[^&\s"',;}]+/gi,
      `$1$2${REDACTED}`,
    )
    .replace(/\b(private\.)[^.\s]+(?=\.)/g, `$1${REDACTED}`);
}

/** Which fields of an event may hold a secret, and what takes it out. */
const REDACTIONS: readonly (readonly [field: string, redact: (text: string) => string])[] = [
  ['url', redactUrl],
  ['referrer', redactUrl],
  ['target', redactUrl],
  ['message', redactText],
  ['error', redactText],
  ['status', redactText],
  ['extractor_name', redactExtractorName],
];

/** Takes the secrets out of an event's fields, in place. */
export function redactFields(fields: Record<string, unknown>): void {
  for (const [field, redact] of REDACTIONS) {
    const value = fields[field];
    if (typeof value === 'string') fields[field] = redact(value);
  }
}
