/** Of a trace that we begin, so many hex digits in front say from which of 256 groups of clients the request came. */
export const BUCKET_DIGITS = 2;

const HEX = Array.from({ length: 256 }, (_, bucket) => bucket.toString(16).padStart(BUCKET_DIGITS, '0'));

/**
 * The group that a client is in: requests of one client go to one collector of several by it (docs/adr/019), and no more of
 * the address can be told from it than that. NGINX with our configuration has groups of its own.
 *
 * @param address of the client; '' if it is not known
 */
export function clientBucket(address: string): string {
  // FNV-1a, folded to eight bits.
  let hash = 0x811c9dc5;
  for (let at = 0; at < address.length; at += 1) hash = Math.imul(hash ^ address.charCodeAt(at), 0x01000193);
  hash ^= hash >>> 16;
  return HEX[(hash ^ (hash >>> 8)) & 0xff] ?? '00';
}
