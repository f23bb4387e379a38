import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkDraft, show } from './check-draft.ts';
import { EVENT_TYPES } from './event-types.ts';
import { createMapContext } from './map/context.ts';
import { redactPath, redactQuery, redactText, redactUrl } from './redaction.ts';
import { checkStated } from './stated.ts';
import { cut, previewOf } from './text.ts';

/** Any UTF-16, including halves of surrogate pairs and control characters, and text that redaction looks for. */
const anyText = fc
  .array(
    fc.oneof(
      fc.string({ unit: 'binary', maxLength: 20 }),
      fc.integer({ min: 0xd7f0, max: 0xe010 }).map((unit) => String.fromCharCode(unit)),
      fc.constantFrom(
        '?key=',
        '%3F',
        '%253Ftoken%3D',
        'https://u:p@h/',
        '/signup/',
        'private.',
        '#',
        '&',
        ';jsessionid=',
        '"',
        '\n',
      ),
    ),
    { maxLength: 12 },
  )
  .map((parts) => parts.join(''));
const context = createMapContext();

describe('text', () => {
  test('is cut between characters', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.nat(20), (text, length) => {
        const kept = cut(text, length);
        expect(kept.length).toBeLessThanOrEqual(length);
        expect(kept.isWellFormed()).toBe(true);
        expect(text.startsWith(kept)).toBe(true);
      }),
    );
    expect(cut('a😀b', 2)).toBe('a');
  });

  test('is redacted and shown without an error, whatever it is', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        for (const redact of [redactUrl, redactPath, redactQuery, redactText]) redact(text);
        expect(show({ [text]: [text] }).length).toBeLessThan(200);
      }),
      { numRuns: 2000 },
    );
  });

  test('of an event is well-formed, and its ids have no control characters, whatever its source', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...EVENT_TYPES),
        fc.dictionary(
          fc.constantFrom(
            'event_id',
            'file_id',
            'user_id',
            'user_name',
            'url',
            'referrer',
            'title',
            'message',
            'resource_id',
            'clowder_instance',
          ),
          anyText,
        ),
        (event, fields) => {
          for (const checked of [
            checkDraft(
              {
                event_id: 'e',
                created: Date.now(),
                healthy: true,
                target: 't',
                requests: 1,
                window_start: 1,
                window_end: 2,
                url: '/',
                ...fields,
                event,
              },
              context,
            ),
            checkStated({ ...fields, event }, { source: 'api', eventId: 'e' }, context),
          ]) {
            if (!checked.ok) continue;
            for (const [field, value] of Object.entries(checked.body)) {
              if (typeof value !== 'string') continue;
              expect(value.isWellFormed()).toBe(true);
              // eslint-disable-next-line no-control-regex
              if (field.endsWith('_id')) expect(value).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/);
            }
          }
        },
      ),
      { numRuns: 1000 },
    );
  });
});

describe('a value is shown', () => {
  const deep = (depth: number): unknown => (depth === 0 ? 1 : [deep(depth - 1)]);

  test.each([
    ['a list nested 5,000 deep', deep(5000), '[[[[[[[[…]]]]]]]]'],
    ['a text', 'a"b', '"a\\"b"'],
    ['bytes', new Uint8Array(7), '7 bytes'],
    ['a 64-bit integer', 7n, '7'],
  ])('in short form: %s', (_, value, shown) => expect(previewOf(value)).toBe(shown));

  test('in a limited length, however many members it has', () => {
    const many = Object.fromEntries(Array.from({ length: 300_000 }, (_, index) => [`f${index}`, index]));
    expect(previewOf(many)).toHaveLength(1000);
    expect(previewOf(Array.from({ length: 300_000 }, () => many))).toHaveLength(1000);
  });
});

describe('a wrong event', () => {
  const poster = { source: 'api', eventId: 'e' } as const;
  const stated = (value: object) => {
    const checked = checkStated({ event: 'file.uploaded', file_id: 'f', ...value }, poster, context);
    return checked.ok ? [] : checked.issues;
  };

  test('is reported with 20 issues, the last of which counts the others, and with short names', () => {
    const unknown = Object.fromEntries(Array.from({ length: 500 }, (_, index) => [`${index}`.padEnd(4000, 'x'), 1]));
    const issues = stated(unknown);
    expect(issues).toHaveLength(20);
    expect(issues.at(-1)).toEqual({ field: '', message: 'and 481 more are not fields of file.uploaded' });
    expect(issues[0]?.field).toHaveLength(100);
  });

  test('is reported in one sentence if it has very many fields', () => {
    const many = Object.fromEntries(Array.from({ length: 300_000 }, (_, index) => [`f${index}`, 1]));
    expect(stated(many)).toMatchObject([{ message: 'has more than 1000 fields' }]);
  });

  test('is reported for a deeply nested list', () => {
    expect(stated({ file_id: JSON.parse('['.repeat(5000) + ']'.repeat(5000)) as unknown })).toMatchObject([
      { field: 'file_id', received: expect.stringContaining('[[[[[[[[…') },
    ]);
  });

  test('is not wrong because the replacements of its secrets make it longer', () => {
    const message = 'key=a '.repeat(5400);
    const checked = checkStated({ event: 'extraction.done', file_id: 'f', message }, poster, context);
    expect(checked).toMatchObject({ ok: true, body: { message: expect.stringMatching(/^key=REDACTED/) } });
  });
});
