import { z } from 'zod';
import { oneOf, valueOf } from '../../runtime/config/schema.ts';
import * as values from '../../runtime/config/values.ts';
import { BINDING_KEYS, FILTER_CLIENT_KINDS } from '../event/filter.ts';
import { FIXED_FIELDS, isFixedField, isKnownField } from '../event/field-classes.ts';
import { mappingProblems } from '../event/mapping.ts';
import { PRIVACY_ACTIONS } from '../event/privacy.ts';
import { TRUNCATIONS } from '../event/truncate.ts';

const flag = valueOf(values.flag);
/** A list in the file, or entries separated by commas in a variable. */
const listOf = <T extends z.ZodType>(entry: T) => z.preprocess(readList, z.array(entry, 'must be a list').min(1));
/** A map in the file, or `name=value` separated by commas in a variable. */
const mapOf = <T extends z.ZodType<string>>(value: T) =>
  z.preprocess(readMap, z.record(field(), value, 'must be a map of names and values'));

function field(): z.ZodString {
  return z
    .string('must be the name of a field')
    .refine(isKnownField, 'is not a field of an event: docs/events.md has them');
}

const filter = z.strictObject({
  types: listOf(z.enum(BINDING_KEYS, 'must be event types, or patterns of them such as file.*'))
    .optional()
    .describe('Event types, or patterns such as `file.*`'),
  client_kinds: listOf(oneOf(FILTER_CLIENT_KINDS))
    .optional()
    .describe(`Kinds of client: ${FILTER_CLIENT_KINDS.join(', ')}`),
  instances: listOf(z.string().min(1)).optional().describe('Values of `clowder_instance`'),
  tracked: flag.optional().describe('true: without what Clowder was asked not to count; false: that alone'),
});

const fields = z
  .strictObject({
    keep: listOf(field())
      .optional()
      .describe(`Only these fields, beside ${FIXED_FIELDS.join(', ')}`),
    drop: listOf(field()).optional().describe('Not these fields'),
    rename: mapOf(z.string().min(1)).optional().describe('Field → name that is sent'),
  })
  .superRefine((mapping, context) => {
    for (const message of mappingProblems(mapping)) context.addIssue({ code: 'custom', message });
  });

const privacy = mapOf(oneOf(PRIVACY_ACTIONS)).superRefine((policy, context) => {
  for (const [name, action] of Object.entries(policy)) {
    const problem = privacyProblem(name, action);
    if (problem !== undefined) context.addIssue({ code: 'custom', path: [name], message: problem });
  }
});

function privacyProblem(name: string, action: string): string | undefined {
  if (isFixedField(name) && action !== 'keep') return `${FIXED_FIELDS.join(', ')} are always sent: may be keep`;
  if (action === 'truncate' && TRUNCATIONS[name] === undefined)
    return `${name} cannot be shortened so that nothing personal is left: may be keep, drop or hash; truncate is for ${Object.keys(TRUNCATIONS).join(', ')}`;
  return undefined;
}

/** Settings that every sink has, in addition to its own. */
export const commonSettings = z.strictObject({
  filter: filter.prefault({}),
  fields: fields.prefault({}),
  privacy: privacy.prefault({}).describe('Field → keep, drop, hash or truncate'),
  third_party: flag
    .optional()
    .describe('Whether the events leave the institute, which decides what is sent by default'),
  rate: valueOf(values.number('a number', { above: 0 }))
    .optional()
    .describe('Events a second, at most'),
  batch_events: valueOf(values.integer({ least: 1 }))
    .optional()
    .describe('Events a batch, at most; never more than the service takes'),
  linger_ms: valueOf(values.number('a number of milliseconds', { least: 0, most: 60_000 }))
    .default(500)
    .describe('How long an event waits for others, ms'),
  timeout_s: valueOf(values.seconds({ above: 0, most: 600 }))
    .default(30)
    .describe('How long the service may take to answer'),
  retry_max_s: valueOf(values.seconds({ above: 0, most: 3600 }))
    .default(60)
    .describe('Longest pause between two tries'),
});

export type CommonSettings = z.infer<typeof commonSettings>;

/** `SINK_<NAME>_<suffix>` → setting, as a path in the sink's section of the file. */
export const COMMON_VARIABLES: Readonly<Record<string, readonly string[]>> = {
  TYPES: ['filter', 'types'],
  CLIENT_KINDS: ['filter', 'client_kinds'],
  INSTANCES: ['filter', 'instances'],
  TRACKED: ['filter', 'tracked'],
  KEEP: ['fields', 'keep'],
  DROP: ['fields', 'drop'],
  RENAME: ['fields', 'rename'],
  PRIVACY: ['privacy'],
  THIRD_PARTY: ['third_party'],
  RATE: ['rate'],
  BATCH_EVENTS: ['batch_events'],
  LINGER_MS: ['linger_ms'],
  TIMEOUT_S: ['timeout_s'],
  RETRY_MAX_S: ['retry_max_s'],
};

function readList(value: unknown): unknown {
  return typeof value === 'string' ? values.entriesOf(value) : value;
}

/** Reads a variable's `name=value` entries, separated by commas; returns any other value unchanged. */
export function readMap(value: unknown): unknown {
  if (typeof value !== 'string') return value;
  return Object.fromEntries(
    values.entriesOf(value).map((entry) => {
      const at = entry.indexOf('=');
      return at === -1 ? [entry, undefined] : [entry.slice(0, at).trim(), entry.slice(at + 1).trim()];
    }),
  );
}
