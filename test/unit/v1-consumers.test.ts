import { expect, test } from 'vitest';
import { toMessage } from '../../exporter/message.ts';
import { checkDraft, type CheckedDraft, type Draft } from '../../taxonomy/check-draft.ts';
import { eventTraits, EVENT_TYPES, type EventType } from '../../taxonomy/event-types.ts';
import type { FlatBody } from '../../taxonomy/flat-body.ts';
import { eventJsonSchema } from '../../taxonomy/json-schema.ts';
import { createMapContext } from '../../taxonomy/map/context.ts';
import { checkStated } from '../../taxonomy/stated.ts';
import { CONSUMERS, type Kept } from '../support/v1-consumers.ts';

const context = createMapContext({ now: () => 1_790_000_000_000 });

interface Sample {
  readonly how: string;
  readonly type: EventType;
  readonly checked: CheckedDraft;
}

/** A value that satisfies the field's schema. */
function valueOf(schema: Record<string, unknown>, name: string): unknown {
  if ('const' in schema) return schema['const'];
  if (Array.isArray(schema['enum'])) return schema['enum'][0];
  if (Array.isArray(schema['anyOf'])) return valueOf(schema['anyOf'].at(-1), name);
  if (schema['type'] === 'boolean') return true;
  if (schema['type'] === 'integer') return name === 'created' ? 1_789_999_999_999 : 7;
  if (schema['type'] === 'number') return 7.5;
  if (name === 'trace_id') return 'a'.repeat(32);
  // Ids have no control characters.
  if (schema['pattern'] !== undefined && name !== 'span_id') return `${name} "\\€`.slice(0, 20);
  return name === 'span_id' ? 'b'.repeat(16) : `${name} "\\\n€`.slice(0, 20);
}

/** Every field of the type, and separately those that it requires. */
function fieldsOf(type: EventType): { readonly full: Draft; readonly required: Draft } {
  const { properties = {}, required = [] } = eventJsonSchema(type) as {
    properties?: Record<string, Record<string, unknown>>;
    required?: readonly string[];
  };
  const full = Object.fromEntries(Object.entries(properties).map(([name, schema]) => [name, valueOf(schema, name)]));
  return { full, required: Object.fromEntries(required.map((name) => [name, full[name]])) };
}

/** Each way to name what the author of a stated event must name. */
function statedChoices(groups: readonly (readonly string[])[], full: Draft): Draft[] {
  return groups.reduce<Draft[]>(
    (drafts, group) => drafts.flatMap((draft) => group.map((field) => ({ ...draft, [field]: full[field] }))),
    [{}],
  );
}

function samplesOf(type: EventType): Sample[] {
  const { full, required } = fieldsOf(type);
  const stated = statedChoices(eventTraits[type].stated, full).map((named) => Object.assign(named, required));
  const posted = (['api', 'monitor'] as const).flatMap((source) =>
    [...stated, full].map((draft) => ({
      how: `posted by ${source}: ${Object.keys(draft).join(', ')}`,
      type,
      checked: checkStated({ ...draft, source }, { source, eventId: 'posted' }, context),
    })),
  );
  const observed = (['proxy', 'nginx', 'sdk'] as const).flatMap((source) =>
    [required, full].map((draft) => ({
      how: `observed by ${source}: ${Object.keys(draft).join(', ')}`,
      type,
      checked: checkDraft({ ...draft, source }, context),
    })),
  );
  return [...posted, ...observed];
}

function bodyOf({ how, checked }: Sample): FlatBody {
  if (!checked.ok) throw new Error(`${how}: ${JSON.stringify(checked.issues)}`);
  return checked.body;
}

const SAMPLES = EVENT_TYPES.flatMap((type) => samplesOf(type));

test.each(CONSUMERS)(
  'the existing consumer $name reads every event type, minimal and full, from every source',
  (consumer) => {
    const nothing = SAMPLES.filter((sample) => {
      const kept = consumer.read(toMessage(bodyOf(sample)).content);
      return Object.keys(kept).length === 0;
    });
    expect(nothing.map(({ type, how }) => `${type}, ${how}`)).toEqual([]);
  },
);

test.each(CONSUMERS)(
  'the existing consumer $name finds one type under each name, as a column holds only one',
  ({ read }) => {
    const types = new Map<string, Set<string>>();
    const note = (kept: Kept): void => {
      for (const [name, value] of Object.entries(kept)) {
        const type = Number.isInteger(value) ? 'integer' : typeof value;
        types.set(name, (types.get(name) ?? new Set()).add(type));
      }
    };
    for (const sample of SAMPLES) note(read(toMessage(bodyOf(sample)).content));
    expect([...types].filter(([, found]) => found.size > 1)).toEqual([]);
  },
);

test('a submission to an extractor is one extraction for a consumer of v1, however many events its job has', () => {
  const categories = SAMPLES.filter(({ type }) => type !== 'extraction.queued').map(
    (sample) => bodyOf(sample)['category'],
  );
  expect(categories).not.toContain('extraction');
});
