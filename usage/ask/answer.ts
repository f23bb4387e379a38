import { z } from 'zod';

const figure = z.union([z.number(), z.null()]);
const period = z.object({ from: z.iso.datetime(), to: z.iso.datetime() });
const row = z.record(z.string(), z.union([z.string(), z.number(), z.null()]));

/** Answer of GET /api/v1/stats. */
export const statsAnswer = z.object({
  period,
  time_zone: z.string(),
  counted_until: z.iso.datetime().nullable().describe('The figures contain what was accepted until then'),
  totals: z.record(z.string(), figure).describe('Of all rows together; unique figures and visitors are not sums'),
  rows: z.array(row),
  names: z
    .record(z.string(), z.string())
    .optional()
    .describe(
      'If figures are split by resource, dataset, space, collection or user: the known names of those in the rows, by id',
    ),
  before: z
    .object({ period, totals: z.record(z.string(), figure) })
    .optional()
    .describe('The period before; in a row, its figures end in `_before`'),
});
export type StatsAnswer = z.infer<typeof statsAnswer>;

/** The answer for those who may see only figures. */
export const sharedAnswer = statsAnswer.omit({ names: true });
export type SharedAnswer = z.infer<typeof sharedAnswer>;

/** Why a question has no answer: it is wrong, or cannot be answered now. */
export class QuestionError extends Error {
  override readonly name = 'QuestionError';
  readonly code: 'invalid_query' | 'forbidden' | 'unavailable';

  constructor(code: QuestionError['code'], message: string) {
    super(message);
    this.code = code;
  }
}
