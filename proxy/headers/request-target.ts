/** Destination of a request, from its request target (RFC 9112, section 3.2). */
export interface RequestTarget {
  /** Path and query as sent, or `*`. */
  readonly path: string;
  /** Host and port of a target in absolute form; they replace the Host header. */
  readonly authority: string | undefined;
}

const ABSOLUTE = /^https?:\/\/([^/?#@\\]+)([/?][^#]*)?$/i;

/** @returns undefined unless the target is a path, an absolute http URL, or `*` with OPTIONS */
export function requestTarget(method: string, target: string): RequestTarget | undefined {
  if (target.charCodeAt(0) === 47) return { path: target, authority: undefined };
  if (target === '*' && method === 'OPTIONS') return { path: target, authority: undefined };
  const match = ABSOLUTE.exec(target);
  if (match === null) return undefined;
  const rest = match[2] ?? '';
  const path = rest === '' && method === 'OPTIONS' ? '*' : rest.startsWith('/') ? rest : `/${rest}`;
  return { path, authority: match[1] ?? '' };
}
