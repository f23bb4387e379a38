import { z } from 'zod';

/** A dataset's public counter. */
export const badge = z.object({
  dataset: z.string(),
  views: z.int().describe('Pages of the dataset and its files that were shown'),
  downloads: z.int().describe('Downloads of the dataset and its files'),
  counted_until: z.iso.datetime().nullable(),
});
export type Badge = z.infer<typeof badge>;
