import { text } from '../../runtime/config/schema.ts';
import { httpUrl, parseHttpUrl } from '../../runtime/config/values.ts';

/** A setting that is a service's address. A password in it would stand in messages; `fetch` refuses it besides. */
export const serviceUrl = text
  .refine((given) => parseHttpUrl(given) !== undefined, `must be ${httpUrl.mayBe}`)
  .refine((given) => {
    const url = parseHttpUrl(given);
    return url === undefined || (url.username === '' && url.password === '');
  }, 'must have no user and password in it');

/** The address as messages name it: without its query, which may hold a key. */
export function addressOf({ origin, pathname }: URL): string {
  return `${origin}${pathname}`;
}

/** What in an address may be a secret, so that it is not told where a service repeats it: the values of its query. */
export function secretsOfQuery({ searchParams }: URL): readonly string[] {
  return [...searchParams.values()].filter((value) => value.length >= SECRET_LEAST);
}

/** Shorter texts than this would blank half of what is said. */
const SECRET_LEAST = 4;
