import { createHmac } from 'node:crypto';

/** Of secrets as the scheme's libraries write them: base64 follows. */
const ENCODED = 'whsec_';

/** Base64 with its padding, and nothing else: what Node would skip, other libraries refuse. */
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** Of other characters one library makes one byte, another two. */
const ASCII = /^[\x20-\x7E]*$/;

/**
 * The key of a secret: its bytes if it is written `whsec_<base64>`, else its text.
 *
 * @returns undefined if `whsec_` is followed by what is not base64, and for text that is not ASCII
 */
export function keyOf(secret: string): Buffer | undefined {
  if (!secret.startsWith(ENCODED)) return ASCII.test(secret) ? Buffer.from(secret, 'ascii') : undefined;
  const encoded = secret.slice(ENCODED.length);
  return BASE64.test(encoded) ? Buffer.from(encoded, 'base64') : undefined;
}

/**
 * The signature of a delivery by Standard Webhooks 1.0: HMAC-SHA-256 of `id.timestamp.body`, base64, after its version.
 *
 * @param timestamp Unix seconds
 */
export function sign(key: Uint8Array, id: string, timestamp: number, body: string): string {
  return `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')}`;
}
