import { z } from 'zod';
import { parseObject } from './json-object.ts';

/** What an extractor repeatedly reports about itself. `owner` is not read. */
export interface Heartbeat {
  /** Id of the sending process. */
  readonly instance: string;
  readonly queue: string;
  readonly name: string;
  readonly version: string | undefined;
}

const schema = z.object({
  id: z.string().min(1).max(256),
  queue: z.string().min(1).max(255),
  extractor_info: z.object({
    name: z.string().min(1).max(1024),
    version: z
      .union([z.string().min(1).max(64), z.number().transform(String)])
      .optional()
      .catch(undefined),
  }),
});

/** @returns undefined if the body is not a heartbeat */
export function readHeartbeat(content: Buffer): Heartbeat | undefined {
  const { success, data } = schema.safeParse(parseObject(content));
  if (!success) return undefined;
  return {
    instance: data.id,
    queue: data.queue,
    name: data.extractor_info.name,
    version: data.extractor_info.version,
  };
}
