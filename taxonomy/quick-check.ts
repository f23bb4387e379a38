import type { z } from 'zod';

/** Whether a value satisfies its schema. */
type Test = (value: unknown) => boolean;
type Schema = z.core.$ZodTypes;

/** Returns the object's known fields if all are valid; undefined if one is not, or if the check cannot tell. */
export type QuickCheck = (given: Readonly<Record<string, unknown>>) => Record<string, unknown> | undefined;

/**
 * Compiles a schema of plain fields into a check that makes no object per field; nearly all events are valid. If it accepts an
 * event, so does the schema, and unchanged. The schema judges everything else.
 */
export function quickCheckOf({ shape, def }: Pick<z.ZodObject, 'shape' | 'def'>): QuickCheck {
  if (def.catchall !== undefined || (def.checks ?? []).length > 0) return () => undefined;
  const fields: { readonly name: string; readonly isOptional: boolean; readonly test: Test }[] = [];
  for (const [name, field] of Object.entries(shape)) {
    const schema = field as Schema;
    const isOptional = schema._zod.def.type === 'optional';
    const test = testOf(schema);
    if (test === undefined) return () => undefined;
    fields.push({ name, isOptional, test });
  }
  return (given) => {
    const taken: Record<string, unknown> = {};
    for (const { name, isOptional, test } of fields) {
      const value = given[name];
      if (value === undefined) {
        if (!isOptional) return undefined;
      } else if (test(value)) taken[name] = value;
      else return undefined;
    }
    return taken;
  };
}

/** Returns undefined if the schema contains something unsupported. */
function testOf({ _zod }: Schema): Test | undefined {
  const { def } = _zod;
  if (def.type === 'optional') return testOf(def.innerType as Schema);
  if (def.type === 'string' && !('format' in def))
    return all([(value) => typeof value === 'string', ...checksOf(def.checks)]);
  if (def.type === 'number') return all([numberOf(def), ...checksOf(def.checks)]);
  if (def.type === 'boolean') return (value) => typeof value === 'boolean';
  if (def.type === 'enum') return among(Object.values(def.entries));
  if (def.type === 'literal') return among(def.values);
  if (def.type === 'union') return any(def.options.map((option) => testOf(option as Schema)));
  return undefined;
}

function numberOf(def: z.core.$ZodNumberDef | z.core.$ZodNumberFormatDef): Test | undefined {
  if (!('format' in def)) return Number.isFinite;
  return def.format === 'safeint' ? Number.isSafeInteger : undefined;
}

type CheckDef = z.core.$ZodChecks['_zod']['def'] | z.core.$ZodCustomDef;

const checksOf = (checks: readonly z.core.$ZodCheck[] = []): (Test | undefined)[] =>
  checks.map(({ _zod }) => checkOf(_zod.def as CheckDef));

/** Supports the checks that event fields use. */
function checkOf(def: CheckDef): Test | undefined {
  if (def.check === 'min_length') return (value) => (value as string).length >= def.minimum;
  if (def.check === 'max_length') return (value) => (value as string).length <= def.maximum;
  if (def.check === 'greater_than')
    return (value) => Number(value) > Number(def.value) || (def.inclusive && value === def.value);
  if (def.check === 'less_than')
    return (value) => Number(value) < Number(def.value) || (def.inclusive && value === def.value);
  if (def.check === 'string_format') return patternOf(def);
  return def.check === 'custom' && 'fn' in def ? (value) => def.fn(value) === true : undefined;
}

/** A global or sticky pattern keeps its position, so it would give a different result each time. */
function patternOf({ format, pattern }: z.core.$ZodCheckStringFormatDef): Test | undefined {
  if (format !== 'regex' || pattern === undefined || pattern.global || pattern.sticky) return undefined;
  return (value) => pattern.test(value as string);
}

function among(values: readonly unknown[]): Test {
  const allowed = new Set(values);
  return (value) => allowed.has(value);
}

function all(tests: readonly (Test | undefined)[]): Test | undefined {
  const known = tests.filter((test) => test !== undefined);
  if (known.length < tests.length) return undefined;
  return (value) => {
    for (const test of known) if (!test(value)) return false;
    return true;
  };
}

function any(tests: readonly (Test | undefined)[]): Test | undefined {
  const known = tests.filter((test) => test !== undefined);
  return known.length < tests.length ? undefined : (value) => known.some((test) => test(value));
}
