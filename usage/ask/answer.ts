import { z } from 'zod';

const figure = z.union([z.number(), z.null()]);
const period = z.object({ from: z.iso.datetime(), to: z.iso.datetime() });
const row = z.record(z.string(), z.union([z.string(), z.number(), z.null()]));

/** Answer of GET /api/v1/stats. */
export const statsAnswer = z.object({
  period,
  time_zone: z.string(),
  counted_until: z.iso.datetime().nullable().describe('What was accepted until then is in the figures'),
  totals: z.record(z.string(), figure).describe('Of all rows together; unique ones and visitors are no sums'),
  rows: z.array(row),
  names: z
    .record(z.string(), z.string())
    .optional()
    .describe(
      'Where figures are divided by resource, dataset, space, collection or user: names of those that are in the rows, by their ids, as far as they are known',
    ),
  before: z
    .object({ period, totals: z.record(z.string(), figure) })
    .optional()
    .describe('The period before; in a row, the figures of it end in `_before`'),
});
export type StatsAnswer = z.infer<typeof statsAnswer>;

/** The answer to whoever may see figures alone. */
export const sharedAnswer = statsAnswer.omit({ names: true });
export type SharedAnswer = z.infer<typeof sharedAnswer>;

/** Why a question has no answer: it is wrong, or it cannot be answered now. */
export class QuestionError extends Error {
  override readonly name = 'QuestionError';
  readonly code: 'invalid_query' | 'forbidden' | 'unavailable';

  constructor(code: QuestionError['code'], message: string) {
    super(message);
    this.code = code;
  }
}
