import { z } from 'zod';
import type { Answer } from './site.ts';

/** The collector's answer at /readyz. */
export const readinessSchema = z.looseObject({
  status: z.enum(['ready', 'degraded', 'unavailable']),
  checks: z.record(z.string(), z.looseObject({ ok: z.boolean(), reason: z.string().optional() })),
});

/** The collector's reason if it holds events that no queue takes. */
export function heldOf(answer: Answer): string | undefined {
  const readiness = 'problem' in answer ? undefined : readinessSchema.safeParse(answer.body).data;
  return readiness?.checks['unroutable']?.reason;
}
