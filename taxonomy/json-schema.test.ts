import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { EVENT_TYPES, eventSchemas, eventTraits } from './event-types.ts';
import { eventJsonSchema, statedExample, statedJsonSchema } from './json-schema.ts';
import { createMapContext } from './map/context.ts';
import { checkStated } from './stated.ts';

interface Stated {
  readonly properties: Record<string, { readonly const?: string }>;
  readonly required: readonly string[];
  readonly additionalProperties: boolean;
  readonly allOf?: readonly { readonly anyOf: readonly { readonly required: readonly string[] }[] }[];
}

interface NumberSchema {
  readonly type?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly anyOf?: readonly NumberSchema[];
}

const stated = (type: (typeof EVENT_TYPES)[number]) => statedJsonSchema(type) as unknown as Stated;

const context = createMapContext({
  clowder: 'v2',
  contextPath: '',
  addressPolicy: 'anonymise',
  dayKey: () => 'k',
});

describe('the schema of a published event', () => {
  test.each(EVENT_TYPES)('%s is JSON Schema 2020-12 with a stable name', (type) => {
    expect(eventJsonSchema(type)).toMatchObject({
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      $id: `urn:clowder-otel:schema:${type}:1`,
      title: type,
      type: 'object',
      required: expect.arrayContaining(['event_id', 'created', 'event']),
      properties: { event: { const: type }, created: { type: 'integer' } },
    });
  });

  test.each(EVENT_TYPES)(
    "%s has bounds for every number, so that one absurd value cannot dominate a site's sums and averages",
    (type) => {
      const { properties } = eventJsonSchema(type) as { properties: Record<string, NumberSchema> };
      const numbers = Object.entries(properties).flatMap(([field, schema]) =>
        [schema, ...(schema.anyOf ?? [])]
          .filter((one) => one.type === 'integer' || one.type === 'number')
          .map(({ minimum = -Infinity, maximum = Infinity }) => ({ field, least: minimum, most: maximum })),
      );
      expect(numbers.length).toBeGreaterThan(0);
      expect(
        numbers.filter(({ least, most }) => least < Number.MIN_SAFE_INTEGER || most > Number.MAX_SAFE_INTEGER),
      ).toEqual([]);
    },
  );

  test.each([1.7e22, 3_155_760_000_001, -1, Number.POSITIVE_INFINITY])(
    'refuses a job of %d milliseconds, and says what is allowed',
    (duration) => {
      const draft = { event: 'extraction.done', job_id: 'j', duration_ms: duration };
      const checked = checkStated(draft, { source: 'api', eventId: 'e1' }, context);
      expect(checked).toMatchObject({ ok: false, issues: [{ field: 'duration_ms' }] });
    },
  );

  test.each(EVENT_TYPES)('%s has all fields of the taxonomy and no others', (type) => {
    const { properties } = eventJsonSchema(type) as { properties: object };
    expect(Object.keys(properties).toSorted()).toEqual(Object.keys(eventSchemas[type].shape).toSorted());
  });

  test('allows fields that it does not name, as the flat body also has names from Clowder v1', () => {
    expect(eventJsonSchema('file.uploaded')['additionalProperties']).toBe(true);
  });
});

describe('the schema of a posted event', () => {
  test.each(EVENT_TYPES)('%s leaves id and time to the collector', (type) => {
    const { properties, required } = stated(type);
    expect(required).not.toContain('event_id');
    expect(required).not.toContain('created');
    expect(Object.keys(properties)).toEqual(expect.arrayContaining(['event_id', 'created', 'user_id']));
  });

  test.each(EVENT_TYPES)('%s has no field that only the collector may fill', (type) => {
    expect(stated(type).properties).not.toHaveProperty('client_id');
    expect(stated(type).properties).not.toHaveProperty('recovered');
  });

  test.each(EVENT_TYPES)('%s requires what the taxonomy requires', (type) => {
    const { required, allOf = [] } = stated(type);
    const choices = allOf.map(({ anyOf }) => anyOf.flatMap((one) => one.required));
    for (const group of eventTraits[type].stated) {
      if (group.length === 1) expect(required).toContain(group[0]);
      else expect(choices).toContainEqual([...group]);
    }
  });

  test.each(EVENT_TYPES)('%s names only its own fields, each once', (type) => {
    const { properties, required } = stated(type);
    expect(Object.keys(properties)).toEqual(expect.arrayContaining([...required]));
    expect(new Set(required).size).toBe(required.length);
  });

  test('refuses other fields, so that a mistyped one is not lost silently', () => {
    expect(stated('file.uploaded').additionalProperties).toBe(false);
    expect(stated('file.uploaded').properties).not.toHaveProperty('extractor_name');
  });
});

describe('the example of a posted event', () => {
  test.each(EVENT_TYPES)('%s is accepted unchanged', (type) => {
    expect(checkStated(statedExample(type), { source: 'api', eventId: 'e1' }, context)).toMatchObject({
      ok: true,
      body: { event: type, event_id: 'e1' },
    });
  });

  test.each(EVENT_TYPES)('%s agrees with its own JSON Schema', (type) => {
    const schema = z.fromJSONSchema(statedJsonSchema(type));
    expect(schema.safeParse(statedExample(type))).toMatchObject({ success: true });
  });
});
