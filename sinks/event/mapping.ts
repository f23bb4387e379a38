import type { FieldValue } from '../sink.ts';
import { FIXED_FIELDS, isFixedField } from './field-classes.ts';
import { actionOf, fieldPolicy, type FieldPolicy, type PrivacyPolicy } from './privacy.ts';

/** Which fields a sink sends, and by which names. */
export interface FieldMapping {
  /** Sends only these fields and those that every event keeps. */
  readonly keep?: readonly string[] | undefined;
  readonly drop?: readonly string[] | undefined;
  /** Name in the event → name to send. */
  readonly rename?: Readonly<Record<string, string>> | undefined;
}

export interface FieldOptions {
  readonly mapping: FieldMapping;
  readonly policy: PrivacyPolicy;
  readonly thirdParty: boolean;
  /** Key for the hashes. */
  readonly hashSecret?: string | undefined;
}

interface FieldRule {
  readonly name: string;
  readonly apply: FieldPolicy;
}

const RULES_KEPT = 1000;

/**
 * Turns the fields of a flat body into the fields to send: the policy decides the values, the mapping which fields and which
 * names.
 *
 * @returns a function of the flat body
 */
export function createFieldMapper(
  options: FieldOptions,
): (body: Readonly<Record<string, FieldValue>>) => Record<string, FieldValue> {
  const rules = new Map<string, FieldRule | undefined>();
  const ruleOf = (field: string): FieldRule | undefined => {
    if (rules.has(field)) return rules.get(field);
    const rule = makeRule(field, options);
    // Unknown fields come from strangers and must not fill memory.
    if (rules.size < RULES_KEPT) rules.set(field, rule);
    return rule;
  };
  return (body) => {
    const fields: Record<string, FieldValue> = {};
    for (const field in body) {
      const value = body[field];
      const rule = value === undefined ? undefined : ruleOf(field);
      if (value === undefined || rule === undefined) continue;
      const left = rule.apply(value);
      if (left !== undefined) fields[rule.name] = left;
    }
    return fields;
  };
}

function makeRule(field: string, { mapping, policy, thirdParty, hashSecret }: FieldOptions): FieldRule | undefined {
  if (isFixedField(field)) return { name: field, apply: (value) => value };
  if (mapping.keep !== undefined && !mapping.keep.includes(field)) return undefined;
  if (mapping.drop?.includes(field) === true) return undefined;
  const action = actionOf(field, policy, thirdParty);
  if (action === 'drop') return undefined;
  const { rename = {} } = mapping;
  const name = (Object.hasOwn(rename, field) ? rename[field] : undefined) ?? field;
  return { name, apply: fieldPolicy(field, action, hashSecret) };
}

/** Returns what is wrong with a mapping: changes to fixed fields, and names used for two fields. */
export function mappingProblems({ drop = [], rename = {} }: FieldMapping): readonly string[] {
  const fixed = FIXED_FIELDS.join(', ');
  const targets = Object.values(rename);
  return [
    ...drop.filter(isFixedField).map((field) => `drop names ${field}: ${fixed} are always sent`),
    ...Object.keys(rename)
      .filter(isFixedField)
      .map((field) => `rename names ${field}: ${fixed} keep their names`),
    ...targets.filter(isFixedField).map((name) => `rename gives a field the name ${name}, which is taken`),
    ...targets
      .filter((name, index) => targets.indexOf(name) !== index)
      .map((name) => `rename gives two fields the name ${name}`),
  ];
}
