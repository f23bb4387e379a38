import { z } from 'zod';
import { monitorSchema } from './schema.ts';

/** JSON Schema of monitor.yaml, for editors. */
export function monitorJsonSchema(): object {
  return z.toJSONSchema(monitorSchema, { io: 'input', unrepresentable: 'any' });
}
