import { z } from 'zod';

/** Ids and names on the wire; of any other type or length they count as not there. */
export const wireText = z.string().min(1).max(1024).optional().catch(undefined);

/** @returns what the JSON text says, if that is an object */
export function parseObject(content: Buffer): object | undefined {
  try {
    const value: unknown = JSON.parse(content.toString('utf8'));
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
