/** Who a credential says its owner is. */
export interface Claimed {
  /** What Clowder knows the user by: the e-mail address, if it is told. */
  readonly userName?: string;
  readonly userId?: string;
}

const NOBODY: Claimed = {};
/** Longer ones are no token of Clowder's. */
const LONGEST_TOKEN = 8192;
const LONGEST_NAME = 256;

/**
 * The owner that a token names, without checking its signature: whoever uses it must know that Clowder accepted it, or
 * made it. A JSON Web Token (RFC 7519) names `email`, `preferred_username` and `sub`; v2's API keys, signed in the same
 * manner, `user`.
 */
export function claimedBy(token: string): Claimed {
  if (token.length > LONGEST_TOKEN) return NOBODY;
  const segments = token.split('.');
  const [first = '', second = ''] = segments;
  const claims = claimsOf(segments.length === 3 && second.startsWith('eyJ') ? second : first);
  const userName = textOf(claims['email'] ?? claims['user'] ?? claims['preferred_username']);
  const userId = textOf(claims['sub']);
  return { ...(userName !== undefined && { userName }), ...(userId !== undefined && { userId }) };
}

function claimsOf(segment: string): Readonly<Record<string, unknown>> {
  if (!segment.startsWith('ey')) return {};
  try {
    const claims: unknown = JSON.parse(Buffer.from(segment, 'base64url').toString('utf8'));
    return typeof claims === 'object' && claims !== null ? { ...claims } : {};
  } catch {
    return {};
  }
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' && value.length <= LONGEST_NAME ? value : undefined;
}
