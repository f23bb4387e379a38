import { createHmac } from 'node:crypto';

/** Of secrets as the scheme's libraries write them: base64 follows. */
const ENCODED = 'whsec_';

/** The key of a secret: its bytes where it is written `whsec_<base64>`, else its text. */
export function keyOf(secret: string): Buffer {
  return secret.startsWith(ENCODED) ? Buffer.from(secret.slice(ENCODED.length), 'base64') : Buffer.from(secret, 'utf8');
}

/**
 * The signature of a delivery by Standard Webhooks 1.0: HMAC-SHA-256 of `id.timestamp.body`, base64, after its version.
 *
 * @param timestamp Unix seconds
 */
export function sign(key: Uint8Array, id: string, timestamp: number, body: string): string {
  return `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')}`;
}
