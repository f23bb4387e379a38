/** A request target split where its query begins. */
export interface Target {
  /** As sent, percent-encoded; '/' if there is none. */
  readonly path: string;
  /** As sent, without '?'. */
  readonly query: string;
}

/**
 * Splits a request target (RFC 9112, section 3.2). Of an absolute one, as clients send to a proxy, only path and query count.
 */
export function splitTarget(target: string): Target {
  let rest = target.startsWith('/') ? target : target.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i, '');
  const hash = rest.indexOf('#');
  if (hash !== -1) rest = rest.slice(0, hash);
  const mark = rest.indexOf('?');
  const path = mark === -1 ? rest : rest.slice(0, mark);
  return { path: path === '' ? '/' : path, query: mark === -1 ? '' : rest.slice(mark + 1) };
}
