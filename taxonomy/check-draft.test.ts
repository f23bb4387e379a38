import { describe, expect, test } from 'vitest';
import { checkDraft, show } from './check-draft.ts';
import { createMapContext } from './map/context.ts';
import { mapLog } from './map.ts';
import type { AttributeValue } from './telemetry.ts';

function mapBody(body: AttributeValue) {
  const eventName = 'clowder.file.uploaded';
  const timeUnixNano = BigInt(Date.now()) * 1_000_000n;
  const record = { eventName, timeUnixNano, observedTimeUnixNano: 0n, attributes: {}, resource: {} };
  return mapLog({ ...record, body, traceId: '', spanId: '' }, createMapContext());
}

test('64-bit integers in the body of a record become numbers of the event', () => {
  const { candidates, rejected } = mapBody({ file_id: 'f1', bytes: 1024n });
  expect(rejected).toEqual([]);
  expect(candidates[0]?.body['bytes']).toBe(1024);
});

test('a wrong value that contains 64-bit integers is reported, not thrown', () => {
  expect(mapBody({ file_id: { deep: [7n] } })).toMatchObject({
    candidates: [],
    rejected: [{ message: expect.stringContaining('{"deep":[7]}') as string }],
  });
  expect(show(7n)).toBe('7');
  expect(show(undefined)).toBe('undefined');
});

test('a wrong value is reported in short form and without its secrets', () => {
  expect(show({ key: 'CANARY', url: '/files?key=CANARY' })).toBe('{"key":"REDACTED","url":"/files?key=REDACTED"}');
  expect(show('x'.repeat(1_000_000))).toHaveLength(100 + '… (more than 100000 characters)'.length);
});

describe('text that AMQP cannot carry', () => {
  const context = createMapContext();
  const draft = (fields: Record<string, unknown>): Record<string, unknown> => ({
    event: 'file.uploaded',
    event_id: 'e1',
    created: Date.now(),
    file_id: 'f1',
    ...fields,
  });

  test.each(['測', '€'])('is refused in an id of 86 × %s, which takes 258 bytes', (character) => {
    expect(checkDraft(draft({ event_id: character.repeat(85) }), context)).toMatchObject({ ok: true });
    expect(checkDraft(draft({ event_id: character.repeat(86) }), context)).toMatchObject({
      ok: false,
      issues: [{ field: 'event_id', message: 'is longer than 255 bytes in UTF-8' }],
    });
  });

  test('becomes U+FFFD if it is half a surrogate pair', () => {
    const checked = checkDraft(draft({ event_id: 'e\ud83d', clowder_instance: 'site \ud83d' }), context);
    expect(checked).toMatchObject({ ok: true, body: { event_id: 'e\ufffd', clowder_instance: 'site \ufffd' } });
  });
});
