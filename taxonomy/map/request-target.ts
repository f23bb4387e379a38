import { textAttribute } from '../attributes.ts';
import type { Attributes } from '../telemetry.ts';

/** What a request asked for, as its telemetry names it. */
export interface RequestTarget {
  readonly path: string;
  readonly query: string;
  readonly url: string;
}

/** From `url.path`, or from the older names; undefined if none is there. */
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

/** Of ASGI servers the full address alone has it. */
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
