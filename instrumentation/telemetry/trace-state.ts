/** Limits of W3C Trace Context, section 3.3: members of a list, and characters that everybody must pass on. */
const MAX_MEMBERS = 32;
const MAX_CHARACTERS = 512;

/**
 * The `tracestate` with our mark first, which says that the request is captured and which it is (docs/design.md,
 * "Identity"), and the other members kept in order; the last ones go where it would be too long.
 *
 * @param others as received; '' for none
 */
export function markCaptured(others: string, requestId: string): string {
  let marked = `clowder=${requestId}`;
  if (others === '') return marked;
  let members = 1;
  for (const raw of others.split(',')) {
    const member = raw.trim();
    if (member === '' || member.startsWith('clowder=')) continue;
    if (members === MAX_MEMBERS || marked.length + 1 + member.length > MAX_CHARACTERS) break;
    marked += `,${member}`;
    members += 1;
  }
  return marked;
}
