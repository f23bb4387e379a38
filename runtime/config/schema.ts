import { z } from 'zod';
import { isSecretSetting, shown } from './blank.ts';
import type { Given } from './source.ts';
import { oneOf as oneOfValue, type Value } from './values.ts';

/** What a file or a variable may hold for one value. */
const scalar = (message: string) => z.union([z.string(), z.number(), z.boolean()], message);

/** A schema that reads the value, or says what is allowed. */
export const valueOf = <T>(value: Value<T>, message = `must be ${value.mayBe}`) =>
  scalar(message).transform((given, context) => {
    const parsed = value.parse(given);
    if (parsed !== undefined) return parsed;
    context.addIssue({ code: 'custom', message });
    return z.NEVER;
  });

export const text = z.string('must be text').min(1);
export const oneOf = <const T extends readonly string[]>(values: T) =>
  z.enum(values, `must be ${oneOfValue(values).mayBe}`);

/** The valid settings, which are complete if nothing is wrong, and the problems of the others. */
export interface ParsedSettings<T> {
  readonly data: T | undefined;
  /** Settings that are valid on their own, even if others are not. */
  readonly right: Partial<T>;
  /** A sentence each: name, value, what is allowed. No secrets. */
  readonly problems: readonly string[];
}

type Schema = z.ZodObject<Record<string, z.ZodType>>;

/** @param given the values that are set, by the names of the schema */
export function parseSettings<S extends Schema>(schema: S, given: Given): ParsedSettings<z.infer<S>> {
  const parsed = schema.safeParse(given);
  if (parsed.success) return { data: parsed.data, right: parsed.data, problems: [] };
  return {
    data: undefined,
    right: rightOnes(schema, given),
    problems: parsed.error.issues.map((issue) => explain(issue, given)),
  };
}

function rightOnes<S extends Schema>(schema: S, given: Given): Partial<z.infer<S>> {
  const right: Partial<Record<string, unknown>> = {};
  for (const [name, one] of Object.entries(schema.shape)) {
    const { success, data } = one.safeParse(given[name]);
    if (success && data !== undefined) right[name] = data;
  }
  return right as Partial<z.infer<S>>;
}

function explain(issue: z.core.$ZodIssue, given: Given): string {
  const name = String(issue.path[0]);
  // A setting that may be one of a few words is no secret, whatever its name ends in.
  const isSecret = issue.code !== 'invalid_value' && isSecretSetting(name);
  return `${name} was ${shown(given[name], isSecret)}: ${issue.message}`;
}
