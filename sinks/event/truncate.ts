import { clientAddress } from '../../taxonomy/client.ts';

/** How to shorten a field so that nothing personal remains; undefined means that nothing remains. */
export const TRUNCATIONS: Readonly<Record<string, (value: string) => string | undefined>> = {
  url: originAndWords,
  target: originAndWords,
  referrer: originOnly,
  client_address: (value) => clientAddress(value, 'anonymise'),
  user_agent: products,
  file_name: extension,
  resource_name: extension,
};

const WORD = /^[a-z][a-z_-]*$/i;

/** Keeps the origin and the leading path segments that are plain words. What follows them may name a thing or a person. */
function originAndWords(value: string): string | undefined {
  const url = parse(value);
  if (url === undefined) return undefined;
  const segments = url.pathname.split('/').slice(1);
  const end = segments.findIndex((segment) => !WORD.test(segment));
  return `${url.origin}/${(end === -1 ? segments : segments.slice(0, end)).join('/')}`;
}

/** Another site's path may not be harmless. */
function originOnly(value: string): string | undefined {
  return parse(value)?.origin;
}

function parse(value: string): URL | undefined {
  if (!URL.canParse(value)) return undefined;
  const url = new URL(value);
  return url.protocol === 'http:' || url.protocol === 'https:' ? url : undefined;
}

/** Keeps products with their major versions, but no comments: those describe a device. */
function products(value: string): string | undefined {
  const found = value.replace(/\([^)]*\)?/g, ' ').match(/[a-z][\w.-]*(?:\/\d+)?/gi);
  return found?.join(' ').slice(0, 128);
}

/** Keeps the type of file, such as `.csv`. */
function extension(value: string): string | undefined {
  return /\.[a-z0-9]{1,8}$/i.exec(value)?.[0].toLowerCase();
}
