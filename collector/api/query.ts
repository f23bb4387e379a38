import { z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { CollectorError } from '../errors.ts';

/** An integer in a query, digits only. */
export function whole(least: number, most = Number.MAX_SAFE_INTEGER) {
  const range = most === Number.MAX_SAFE_INTEGER ? `, ${least} or more` : ` from ${least} to ${most}`;
  return z
    .string()
    .refine(
      (given) => /^\d{1,16}$/.test(given) && Number(given) >= least && Number(given) <= most,
      `must be an integer${range}`,
    )
    .transform(Number)
    .openapi({ type: 'integer', minimum: least, ...(most < Number.MAX_SAFE_INTEGER && { maximum: most }) });
}

/** The query, parsed by its schema. @throws CollectorError invalid_query, which names each wrong parameter and why */
export function readQuery<Query extends z.ZodType>(c: Context, schema: Query): z.output<Query> {
  const parsed = schema.safeParse(c.req.query());
  if (parsed.success) return parsed.data;
  const reasons = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; ');
  throw new CollectorError('invalid_query', `The query is wrong: ${reasons}`);
}
