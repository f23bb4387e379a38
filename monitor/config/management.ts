import type { z } from 'zod';
import { httpUrl, settings, text } from './values.ts';

/** Address and credentials of RabbitMQ's management API. */
export const managementSchema = settings({
  url: httpUrl.describe('Of the management API, without /api'),
  user: text.optional(),
  password: text.optional(),
  ca_file: text.optional(),
});

export type ManagementSettings = z.infer<typeof managementSchema>;
