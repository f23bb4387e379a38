import { createHmac } from 'node:crypto';

/** Prefix of a base64 secret, as in the scheme's libraries. */
const ENCODED = 'whsec_';

/** Base64 with padding, and nothing else: other libraries refuse what Node would skip. */
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** Libraries encode other characters differently, as one byte or two. */
const ASCII = /^[\x20-\x7E]*$/;

/**
 * Returns a secret's key: its bytes if it is `whsec_<base64>`, otherwise its text.
 *
 * @returns undefined if `whsec_` is not followed by base64, or if the text is not ASCII
 */
export function keyOf(secret: string): Buffer | undefined {
  if (!secret.startsWith(ENCODED)) return ASCII.test(secret) ? Buffer.from(secret, 'ascii') : undefined;
  const encoded = secret.slice(ENCODED.length);
  return BASE64.test(encoded) ? Buffer.from(encoded, 'base64') : undefined;
}

/**
 * Signs a delivery by Standard Webhooks 1.0: HMAC-SHA-256 of `id.timestamp.body` in base64, after the version.
 *
 * @param timestamp Unix seconds
 */
export function sign(key: Uint8Array, id: string, timestamp: number, body: string): string {
  return `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')}`;
}
