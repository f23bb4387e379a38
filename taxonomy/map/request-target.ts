import { textAttribute } from '../attributes.ts';
import type { Attributes } from '../telemetry.ts';

/** The target of a request, as its telemetry names it. */
export interface RequestTarget {
  readonly path: string;
  readonly query: string;
  readonly url: string;
}

/** Reads the target from `url.path` or the older names; undefined if none is present. */
export function targetOf(attributes: Attributes): RequestTarget | undefined {
  const full = textAttribute(attributes, 'url.full') ?? textAttribute(attributes, 'http.url');
  const raw =
    textAttribute(attributes, 'url.path') ??
    textAttribute(attributes, 'http.target') ??
    (full === undefined ? undefined : full.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i, ''));
  if (raw === undefined) return undefined;
  const mark = raw.indexOf('?');
  const path = (mark === -1 ? raw : raw.slice(0, mark)).split('#', 1)[0] ?? '';
  const query =
    textAttribute(attributes, 'url.query')?.replace(/^\?/, '') ?? (mark === -1 ? queryOf(full) : raw.slice(mark + 1));
  return {
    path: path === '' ? '/' : path,
    query,
    url:
      full !== undefined && /^[a-z]+:\/\//i.test(full)
        ? full
        : originOf(attributes) + path + (query === '' ? '' : `?${query}`),
  };
}

/** ASGI servers have the query only in the full address. */
function queryOf(full: string | undefined): string {
  return /^[^?#]*\?([^#]*)/.exec(full ?? '')?.[1] ?? '';
}

function originOf(attributes: Attributes): string {
  const host = textAttribute(attributes, 'server.address');
  if (host === undefined) return '';
  const scheme = textAttribute(attributes, 'url.scheme') ?? 'http';
  const port = host.includes(':') && !host.startsWith('[') ? undefined : textAttribute(attributes, 'server.port');
  const usual = scheme === 'https' ? '443' : '80';
  return `${scheme}://${host}${port === undefined || port === usual ? '' : `:${port}`}`;
}
