/** The first hex digits of a trace id that we begin: the client's bucket, one of 256. */
export const BUCKET_DIGITS = 2;

const HEX = Array.from({ length: 256 }, (_, bucket) => bucket.toString(16).padStart(BUCKET_DIGITS, '0'));

/**
 * The bucket of a client. It sends one client's requests to the same one of several collectors (docs/adr/019), and reveals no
 * more of the address than that. NGINX, with our configuration, has its own buckets.
 *
 * @param address of the client; '' if unknown
 */
export function clientBucket(address: string): string {
  // FNV-1a, folded to eight bits.
  let hash = 0x811c9dc5;
  for (let at = 0; at < address.length; at += 1) hash = Math.imul(hash ^ address.charCodeAt(at), 0x01000193);
  hash ^= hash >>> 16;
  return HEX[(hash ^ (hash >>> 8)) & 0xff] ?? '00';
}
