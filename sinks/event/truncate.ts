import { clientAddress } from '../../taxonomy/client.ts';

/** How a field is shortened so that what is left says nothing of a person; undefined: nothing is left. */
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

/** Origin, and the path as far as it is made of words: what follows names one thing, or somebody. No query, no user. */
function originAndWords(value: string): string | undefined {
  const url = parse(value);
  if (url === undefined) return undefined;
  const segments = url.pathname.split('/').slice(1);
  const end = segments.findIndex((segment) => !WORD.test(segment));
  return `${url.origin}/${(end === -1 ? segments : segments.slice(0, end)).join('/')}`;
}

/** Of another site not even the path is known to be harmless. */
function originOnly(value: string): string | undefined {
  return parse(value)?.origin;
}

function parse(value: string): URL | undefined {
  if (!URL.canParse(value)) return undefined;
  const url = new URL(value);
  return url.protocol === 'http:' || url.protocol === 'https:' ? url : undefined;
}

/** Products with their major versions: no comments, which describe a device. */
function products(value: string): string | undefined {
  const found = value.replace(/\([^)]*\)?/g, ' ').match(/[a-z][\w.-]*(?:\/\d+)?/gi);
  return found?.join(' ').slice(0, 128);
}

/** The kind of file: `.csv`. */
function extension(value: string): string | undefined {
  return /\.[a-z0-9]{1,8}$/i.exec(value)?.[0].toLowerCase();
}
