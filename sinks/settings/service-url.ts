import { z } from 'zod';

/** A setting that is a service's address. A password in it would stand in messages; `fetch` refuses it besides. */
export const serviceUrl = z
  .url({ protocol: /^https?$/, error: 'must be an address that begins with http:// or https://' })
  .refine((url) => !URL.canParse(url) || (new URL(url).username === '' && new URL(url).password === ''), {
    error: 'must have no user and password in it',
  });
