import { z } from 'zod';
import type { Readiness } from '../../runtime/admin.ts';

/** The questions to a worker, with the types of their answers. */
export interface Answers {
  readonly readiness: Readiness;
  /** Metrics in the form of prom-client's `getMetricsAsJSON`. */
  readonly figures: readonly object[];
}
export type Question = keyof Answers;

const QUESTIONS = ['readiness', 'figures'] as const satisfies readonly Question[];

/** From the primary to a worker: a question, or the request to stop. */
export const askSchema = z.union([
  z.object({ ask: z.enum(QUESTIONS), id: z.number() }),
  z.object({ stop: z.literal(true) }),
]);
export type Ask = z.infer<typeof askSchema>;

/** From a worker to the primary: that it listens, or an answer. */
export const toldSchema = z.union([
  z.object({ listening: z.string() }),
  z.object({ id: z.number(), answer: z.unknown() }),
  z.object({ id: z.number(), failed: z.string() }),
]);
export type Told = z.infer<typeof toldSchema>;
