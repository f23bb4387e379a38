/** The owner that a credential names. */
export interface Claimed {
  /** Clowder's name for the user: the e-mail address if the credential contains it. */
  readonly userName?: string;
  readonly userId?: string;
}

const NOBODY: Claimed = {};
/** Longer texts are not Clowder's tokens. */
const LONGEST_TOKEN = 8192;
const LONGEST_NAME = 256;

/**
 * Returns the owner that a token names. It does not verify the signature: the caller must know that Clowder accepted or issued
 * the token. A JSON Web Token (RFC 7519) has `email`, `preferred_username` and `sub`. v2's API keys, signed in the same way,
 * have `user`.
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
