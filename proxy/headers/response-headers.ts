import { connectionOptions, isHopByHop } from './hop-by-hop.ts';
import type { ResponseHead } from '../upstream/index.ts';

export interface AnswerRules {
  /** Id of the request, which marks the answer as captured (docs/design.md, "Identity"); undefined for no mark. */
  readonly mark: string | undefined;
  /** Whether the client's connection ends with this answer. */
  readonly close: boolean;
  /** Whether trailers can follow, which needs chunks on both sides. */
  readonly trailers: boolean;
  readonly via: string | undefined;
}

export const CAPTURED_HEADER = 'X-Clowder-Captured';
const CAPTURED = CAPTURED_HEADER.toLowerCase();

/** An answer's headers for the client as alternating names and values, keeping names, order and duplicates. */
export function answerHeaders(head: ResponseHead, rules: AnswerRules): string[] {
  const { names, rawHeaders } = head;
  const options = connectionOptions(rawHeaders);
  const headers: string[] = [];
  for (let i = 0; i < names.length; i++) {
    const name = names[i] ?? '';
    if (isHopByHop(name) || options?.has(name) === true) continue;
    if (name === 'trailer' && !rules.trailers) continue;
    if (name === CAPTURED && rules.mark !== undefined) continue;
    headers.push(rawHeaders[2 * i] ?? '', rawHeaders[2 * i + 1] ?? '');
  }
  if (rules.via !== undefined) headers.push('Via', `1.1 ${rules.via}`);
  if (rules.mark !== undefined) headers.push(CAPTURED_HEADER, rules.mark);
  if (rules.close) headers.push('Connection', 'close');
  return headers;
}

/** The value of a header: the first of several, but all of Set-Cookie, joined by ', '. @param name in lower case */
export function headerOf(head: ResponseHead, name: string): string | undefined {
  const at = head.names.indexOf(name);
  if (at === -1) return undefined;
  const value = head.rawHeaders[2 * at + 1];
  if (name !== 'set-cookie' || head.names.indexOf(name, at + 1) === -1) return value;
  return head.names.flatMap((one, index) => (one === name ? [head.rawHeaders[2 * index + 1] ?? ''] : [])).join(', ');
}
