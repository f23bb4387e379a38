/** The member that marks a request as captured (docs/design.md, "Who knows best"). */
export const CAPTURED_MEMBER = 'clowder=captured';

/** Limits of W3C Trace Context, section 3.3: members of a list, and characters that everybody must pass on. */
const MAX_MEMBERS = 32;
const MAX_CHARACTERS = 512;

/**
 * The `tracestate` with our mark first and the other members kept in order; the last ones go where it would be too long.
 *
 * @param others as received; '' for none
 */
export function markCaptured(others: string): string {
  if (others === '') return CAPTURED_MEMBER;
  let marked = CAPTURED_MEMBER;
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
