import { z } from 'zod';
import { valueOf } from '../../../runtime/config/schema.ts';
import { number } from '../../../runtime/config/values.ts';

const NAME = 'must be a name of small letters, digits and _ that begins with a letter, at most 50 long';
const name = z.string(NAME).regex(/^[a-z_][a-z0-9_]{0,49}$/, NAME);

export const config = z.strictObject({
  url: z
    .string()
    .regex(/^postgres(?:ql)?:\/\//, 'must be a URL such as postgresql://USER:PASSWORD@HOST:5432/DATABASE')
    .describe('Server and database; sslmode, sslrootcert, sslcert and sslkey as parameters'),
  schema: name.default('clowder').describe('Schema for tables and views'),
  reader_role: name.default('clowder_reader').describe('Role that may read and nothing else'),
  time_zone: z
    .string()
    .min(1)
    .default('UTC')
    .describe('Time zone of days and months in the views, e.g. America/Chicago'),
  retention_months: valueOf(number('a number of months', { least: 1, most: 1200 }, true))
    .optional()
    .describe('How many whole months to keep besides the current one; without it, all are kept'),
  statement_timeout_ms: valueOf(number('a number of milliseconds', { least: 1000 }, true))
    .default(60_000)
    .describe('Time after which the server cancels a statement'),
});

export type PostgresConfig = z.infer<typeof config>;
