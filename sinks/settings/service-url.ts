import { text } from '../../runtime/config/schema.ts';
import { httpUrl, parseHttpUrl } from '../../runtime/config/values.ts';

/** A service's address. It must not contain a password, which would appear in messages, and which `fetch` refuses. */
export const serviceUrl = text
  .refine((given) => parseHttpUrl(given) !== undefined, `must be ${httpUrl.mayBe}`)
  .refine((given) => {
    const url = parseHttpUrl(given);
    return url === undefined || (url.username === '' && url.password === '');
  }, 'must have no user and password in it');

/** Returns the address as messages show it, without its query, which may hold a key. */
export function addressOf({ origin, pathname }: URL): string {
  return `${origin}${pathname}`;
}

/** Returns the possible secrets in an address, in case a service repeats them: the values of its query. */
export function secretsOfQuery({ searchParams }: URL): readonly string[] {
  return [...searchParams.values()].filter((value) => value.length >= SECRET_LEAST);
}

/** Shorter values are not blanked, because they would blank too much of a message. */
const SECRET_LEAST = 4;
