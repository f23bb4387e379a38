import { expect, test } from 'vitest';
import { show } from './check-draft.ts';
import { createMapContext } from './map/context.ts';
import { mapLog } from './map.ts';
import type { AttributeValue } from './telemetry.ts';

function mapBody(body: AttributeValue) {
  const eventName = 'clowder.file.uploaded';
  const timeUnixNano = BigInt(Date.now()) * 1_000_000n;
  const record = { eventName, timeUnixNano, observedTimeUnixNano: 0n, attributes: {}, resource: {} };
  return mapLog({ ...record, body, traceId: '', spanId: '' }, createMapContext());
}

test('64-bit integers in the body of a record are numbers of the event', () => {
  const { candidates, rejected } = mapBody({ file_id: 'f1', bytes: 1024n });
  expect(rejected).toEqual([]);
  expect(candidates[0]?.body['bytes']).toBe(1024);
});

test('a wrong value with 64-bit integers within is told, not thrown', () => {
  expect(mapBody({ file_id: { deep: [7n] } })).toMatchObject({
    candidates: [],
    rejected: [{ message: expect.stringContaining('{"deep":[7]}') as string }],
  });
  expect(show(7n)).toBe('7');
  expect(show(undefined)).toBe('undefined');
});

test('a wrong value is told short, and without its secrets', () => {
  expect(show({ key: 'CANARY', url: '/files?key=CANARY' })).toBe('{"key":"REDACTED","url":"/files?key=REDACTED"}');
  expect(show('x'.repeat(1_000_000))).toHaveLength(100 + '… (1000002 characters)'.length);
});
