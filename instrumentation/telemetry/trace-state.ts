/** Limits of W3C Trace Context, section 3.3: members in a list, and characters that every implementation must pass on. */
const MAX_MEMBERS = 32;
const MAX_CHARACTERS = 512;

/**
 * The `tracestate` with our mark first, which says that the request is captured and gives its id (docs/design.md, "Identity").
 * The other members keep their order; the last ones are dropped if the header would be too long.
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
