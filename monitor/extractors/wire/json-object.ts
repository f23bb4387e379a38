import { z } from 'zod';

/** Ids and names on the wire. A value of another type or length counts as missing. */
export const wireText = z.string().min(1).max(1024).optional().catch(undefined);

/** @returns the object in the JSON text, if it is one */
export function parseObject(content: Buffer): object | undefined {
  try {
    const value: unknown = JSON.parse(content.toString('utf8'));
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
