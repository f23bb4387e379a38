import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { commonFields, type Field } from '../../taxonomy/event-fields.ts';
import { EVENT_TYPES, eventSchemas } from '../../taxonomy/event-types.ts';
import { FIELD_CLASSES, FIXED_FIELDS, isFixedField, isKnownField } from './field-classes.ts';
import { createFieldMapper } from './mapping.ts';
import { actionOf, fieldPolicy, hashOf, PRIVACY_ACTIONS } from './privacy.ts';
import { TRUNCATIONS } from './truncate.ts';
import { runs } from '../../test/support/form.ts';

const ALL_FIELDS = [
  ...new Set([
    ...Object.keys(commonFields),
    ...Object.values(eventSchemas).flatMap((schema) => Object.keys(schema.shape)),
    // Names from Clowder v1 in the flat body.
    'category',
    'type',
    'size',
    'service_name',
    'uptime',
  ]),
];
/** Fields that may show who somebody is or what they wrote. */
const PERSONAL =
  'user_id user_name author_id author_name session_id client_address client_id user_agent trace_id span_id file_name resource_name dataset_name title message error status referrer url'.split(
    ' ',
  );

describe('the classes of fields', () => {
  it('cover every field of every event type, and no other', () => {
    expect(Object.keys(FIELD_CLASSES).toSorted()).toEqual(ALL_FIELDS.toSorted());
  });

  it('are the same for a field in all event types that have it', () => {
    const told = EVENT_TYPES.flatMap((type) =>
      Object.entries<Field>(eventSchemas[type].shape).map(([field, schema]) => `${field}: ${schema.tells}`),
    );
    const fields = [...new Set(told)].map((line) => line.replace(/: .*/, ''));
    expect(fields.toSorted()).toEqual([...new Set(fields)].toSorted());
  });

  it.each(PERSONAL)('do not let %s go to a third party unchanged', (field) => {
    expect(actionOf(field, {}, true)).not.toBe('keep');
  });

  it("let no new field with a person's name pass", () => {
    const suspicious = ALL_FIELDS.filter((field) =>
      /user|author|owner|person|mail|name|address|session|agent|title|^message$/.test(field),
    );
    const kept = suspicious.filter((field) => actionOf(field, {}, true) === 'keep');
    // Both are names of programs.
    expect(kept).toEqual(['extractor_name', 'service_name']);
  });
});

describe('the policy', () => {
  it('keeps everything for the institute itself', () => {
    for (const field of ALL_FIELDS) expect(actionOf(field, {}, false)).toBe('keep');
  });

  it('drops unknown fields for a third party', () => {
    expect(actionOf('favourite_colour', {}, true)).toBe('drop');
    expect(actionOf('constructor', {}, true)).toBe('drop');
  });

  it.each(FIXED_FIELDS)('keeps %s whatever it says about it', (field) => {
    expect(actionOf(field, { [field]: 'drop' }, true)).toBe('keep');
  });

  it('set by the operator takes precedence', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...ALL_FIELDS),
        fc.constantFrom(...PRIVACY_ACTIONS),
        fc.boolean(),
        (field, action, third) => {
          fc.pre(!isFixedField(field));
          expect(actionOf(field, { [field]: action }, third)).toBe(action);
        },
      ),
      runs(),
    );
  });

  it('lets a value through only if it says keep', () => {
    const value = fc.string({ minLength: 12 }).filter((text) => /\w{6}/.test(text));
    fc.assert(
      fc.property(fc.constantFrom(...ALL_FIELDS, 'unknown_field'), value, (field, text) => {
        for (const action of ['drop', 'hash'] as const)
          expect(String(fieldPolicy(field, action, 'a secret of sixteen')(text) ?? '')).not.toContain(text);
        if (TRUNCATIONS[field] === undefined) expect(fieldPolicy(field, 'truncate', undefined)(text)).toBeUndefined();
      }),
      runs(),
    );
  });

  it('hashes with the secret, equal values alike in every field', () => {
    const one = fieldPolicy('user_id', 'hash', 'secret one')('u1');
    expect(one).toBe(fieldPolicy('author_id', 'hash', 'secret one')('u1'));
    expect(one).not.toBe(fieldPolicy('user_id', 'hash', 'secret two')('u1'));
    const nobody = '0'.repeat(24);
    expect(fieldPolicy('user_id', 'hash', 'secret one')(nobody)).toBe(nobody);
    // RFC 4231, test case 2.
    expect(hashOf('what do ya want for nothing?', 'Jefe')).toBe(
      '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
    );
  });

  it('without a secret drops hashed fields', () => {
    expect(fieldPolicy('user_id', 'hash', undefined)('u1')).toBeUndefined();
  });
});

describe('truncation', () => {
  it.each([
    ['url', 'https://a.example/clowder/datasets/5f1e?space=1#x', 'https://a.example/clowder/datasets'],
    ['url', 'https://jane:pw@a.example/search?query=jane', 'https://a.example/search'],
    ['url', 'https://a.example/profile/jane@b.example', 'https://a.example/profile'],
    ['url', 'https://a.example/', 'https://a.example/'],
    ['url', '/datasets/5f1e', undefined],
    ['referrer', 'https://mail.example/u/jane?x', 'https://mail.example'],
    ['referrer', 'android-app://com.example', undefined],
    ['target', 'http://10.0.0.1:9000/healthz?key=1', 'http://10.0.0.1:9000/healthz'],
    ['client_address', '203.0.113.77', '203.0.113.0'],
    ['client_address', '2001:db8:1:2::3', '2001:db8:1::'],
    ['client_address', 'jane', undefined],
    [
      'user_agent',
      'Mozilla/5.0 (X11; Jane\u2019s phone) Gecko/20100101 Firefox/140.0',
      'Mozilla/5 Gecko/20100101 Firefox/140',
    ],
    ['user_agent', 'python-requests/2.31.0', 'python-requests/2'],
    ['file_name', 'CV Jane Doe.PDF', '.pdf'],
    ['file_name', 'CV Jane Doe', undefined],
    ['resource_name', 'thesis.tar.gz', '.gz'],
  ])('makes of %s %s %s', (field, value, expected) => {
    expect(fieldPolicy(field, 'truncate', undefined)(value)).toBe(expected);
  });

  it('applies only to existing fields', () => {
    expect(Object.keys(TRUNCATIONS).filter((field) => !isKnownField(field))).toEqual([]);
  });
});

describe('the mapping', () => {
  const body = {
    category: 'upload',
    event_id: 'e1',
    event: 'file.uploaded',
    created: 5,
    file_id: 'f1',
    file_name: 'x.csv',
    user_id: 'u1',
    bytes: 3,
    resource_type: 'file',
    resource_id: 'f1',
  };
  const map = (options: Partial<Parameters<typeof createFieldMapper>[0]>): Record<string, unknown> =>
    createFieldMapper({ mapping: {}, policy: {}, thirdParty: false, ...options })(body);

  it('keeps the body unchanged by default', () => {
    expect(map({})).toEqual(body);
  });

  it('keeps only the named fields, and those that every event keeps', () => {
    expect(map({ mapping: { keep: ['bytes'] } })).toEqual({
      event_id: 'e1',
      event: 'file.uploaded',
      created: 5,
      bytes: 3,
    });
  });

  it('drops and renames', () => {
    const fields = map({ mapping: { drop: ['file_id', 'resource_id'], rename: { bytes: 'volume' } } });
    expect(fields).not.toHaveProperty('file_id');
    expect(fields).not.toHaveProperty('bytes');
    expect(fields).toMatchObject({ volume: 3, resource_type: 'file' });
  });

  it('cannot restore what the policy removes', () => {
    expect(map({ thirdParty: true, mapping: { keep: ['user_id'], rename: { user_id: 'who' } } })).toEqual({
      event_id: 'e1',
      event: 'file.uploaded',
      created: 5,
    });
  });

  it('hashes and renames', () => {
    const fields = map({
      mapping: { rename: { user_id: 'who' } },
      policy: { user_id: 'hash' },
      hashSecret: 's'.repeat(16),
    });
    expect(fields['who']).toBe(hashOf('u1', 's'.repeat(16)));
  });
});
