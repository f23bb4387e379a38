import { text } from '../../runtime/config/schema.ts';
import { httpUrl, parseHttpUrl } from '../../runtime/config/values.ts';

/** A setting that is a service's address. A password in it would stand in messages; `fetch` refuses it besides. */
export const serviceUrl = text
  .refine((given) => parseHttpUrl(given) !== undefined, `must be ${httpUrl.mayBe}`)
  .refine((given) => {
    const url = parseHttpUrl(given);
    return url === undefined || (url.username === '' && url.password === '');
  }, 'must have no user and password in it');
