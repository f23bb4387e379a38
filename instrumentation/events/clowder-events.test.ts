import { context, logs, trace } from '@opentelemetry/api';
import { AlwaysOffSampler } from '@opentelemetry/sdk-trace';
import { describe, expect, expectTypeOf, test } from 'vitest';
import { fromReadableLogRecord } from '../../exporter/sdk/convert.ts';
import { ATTRIBUTE_OF_FIELD } from '../../taxonomy/attributes.ts';
import { EVENT_TYPES, eventSchemas, eventTraits, type EventType } from '../../taxonomy/event-types.ts';
import { createMapContext } from '../../taxonomy/map/context.ts';
import { mapLog } from '../../taxonomy/map.ts';
import type { MapResult } from '../../taxonomy/map/candidate.ts';
import { startRecordingSdk, type RecordingSdk } from '../../test/support/recording-sdk.ts';
import { clowderEvents } from './clowder-events.ts';
import { fieldsByProperty, functionName, type EventInput } from './properties.ts';

const FILE = '5f1e00000000000000000001';

/** What the collector makes of the last record. */
function collected(sdk: RecordingSdk): MapResult {
  const record = sdk.records.at(-1);
  if (record === undefined) throw new Error('no record');
  return mapLog(fromReadableLogRecord(record), createMapContext({ addressPolicy: 'full' }));
}

/** Calls a function whose fields are known only as data. */
function call(type: EventType, fields: unknown): string {
  return (clowderEvents[functionName(type)] as (fields: unknown) => string)(fields);
}

/** A value that the type's field accepts. */
function sampleOf(type: EventType, field: string): string | number | boolean {
  const schema = Object.entries(eventSchemas[type].shape).find(([name]) => name === field)?.[1];
  const candidates = [`the ${field}`, true, 7, 'api', 'none', 'file', 'presigned', '10.0.0.1'];
  const sample = candidates.find((value) => schema?.safeParse(value).success);
  if (sample === undefined) throw new Error(`no sample fits ${field}`);
  return field === 'client_address' ? '10.0.0.1' : sample;
}

describe('clowderEvents', () => {
  test.each(EVENT_TYPES)('has a function for %s that sends each of its fields to the collector', async (type) => {
    await using sdk = startRecordingSdk();
    const input: Record<string, string | number | boolean> = {};
    const expected: Record<string, string | number | boolean> = {};
    for (const [property, field] of fieldsByProperty(type)) {
      input[property] = sampleOf(type, field);
      expected[field] = sampleOf(type, field);
    }
    const id = call(type, input);
    expect(sdk.problems).toEqual([]);
    const { candidates, rejected } = collected(sdk);
    expect(rejected).toEqual([]);
    expect(candidates[0]?.body).toMatchObject({ ...expected, event: type, event_id: id, source: 'sdk' });
  });

  test('accepts every field that has an attribute, except those fixed by the type', () => {
    for (const type of EVENT_TYPES) {
      const settled = new Set<string>(['event_id', 'source']);
      const { resource } = eventTraits[type];
      if (resource !== undefined) settled.add('resource_type');
      if (resource?.id === 'file_id') settled.add('resource_id').add('resource_name');
      const carried = Object.keys(eventSchemas[type].shape).filter((field) => field in ATTRIBUTE_OF_FIELD);
      expect([...fieldsByProperty(type).values()]).toEqual(carried.filter((field) => !settled.has(field)));
    }
  });

  test('sends the record at once, in the active span, whether or not it is sampled', async () => {
    await using sdk = startRecordingSdk({ sampler: new AlwaysOffSampler() });
    const span = trace.getTracer('test').startSpan('upload');
    context.with(trace.setSpan(context.active(), span), () =>
      clowderEvents.fileUploaded({ fileId: FILE, bytes: 1024 }),
    );
    expect(sdk.records).toHaveLength(1);
    expect(sdk.records[0]).toMatchObject({
      eventName: 'clowder.file.uploaded',
      spanContext: { traceId: span.spanContext().traceId, spanId: span.spanContext().spanId },
      attributes: { 'clowder.file.id': FILE, 'clowder.bytes': 1024 },
    });
    expect(collected(sdk).candidates[0]?.body).toMatchObject({
      resource_id: FILE,
      resource_type: 'file',
      trace_id: span.spanContext().traceId,
    });
  });

  test('gives each event an id of its own, or the one from the caller', async () => {
    await using sdk = startRecordingSdk();
    const first = clowderEvents.fileDeleted({ fileId: FILE });
    const second = clowderEvents.fileDeleted({ fileId: FILE });
    expect(first).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(second).not.toBe(first);
    expect(clowderEvents.fileDeleted({ fileId: FILE, eventId: 'mine' })).toBe('mine');
    expect(sdk.records.map(({ attributes }) => attributes['clowder.event.id'])).toEqual([first, second, 'mine']);
  });

  test.each([
    ['a date', new Date('2020-02-03T04:05:06.789Z')],
    ['Unix milliseconds', Date.UTC(2020, 1, 3, 4, 5, 6, 789)],
  ])("uses the caller's time: %s", async (_form, at) => {
    await using sdk = startRecordingSdk();
    clowderEvents.userLogin({ userId: 'u1', at });
    expect(sdk.problems).toEqual([]);
    expect(collected(sdk).candidates[0]?.body.created).toBe(Date.UTC(2020, 1, 3, 4, 5, 6, 789));
  });

  test('uses the current time if the caller gives none', async () => {
    await using sdk = startRecordingSdk();
    const before = Date.now();
    clowderEvents.userLogin({ userId: 'u1' });
    const created = collected(sdk).candidates[0]?.body.created ?? 0;
    expect(created).toBeGreaterThanOrEqual(before);
    expect(created).toBeLessThanOrEqual(Date.now());
  });

  test('does not depend on a level configured for logs', async () => {
    await using sdk = startRecordingSdk();
    clowderEvents.userLogin({ userId: 'u1' });
    expect(sdk.records[0]?.severityNumber).toBeUndefined();
  });

  test('sends nothing and does no harm without an SDK', () => {
    expect(clowderEvents.fileDeleted({ fileId: FILE, eventId: 'mine' })).toBe('mine');
  });

  test('removes secrets before sending', async () => {
    await using sdk = startRecordingSdk();
    clowderEvents.viewPage({ url: 'https://clowder.example/files?key=CANARY', referrer: 'https://x/signup/CANARY' });
    clowderEvents.extractionFailed({ jobId: 'j1', extractorName: 'private.CANARY.tiles', message: 'GET /?key=CANARY' });
    expect(JSON.stringify(sdk.records.map(({ attributes }) => attributes))).not.toContain('CANARY');
  });
});

describe('an event that is wrong at run time', () => {
  const huge = 'x'.repeat(40_000);
  test.each<[string, EventType, unknown, RegExp]>([
    ['lacks a required field', 'file.uploaded', { bytes: 1 }, /file_id is missing/],
    ['has null in a required field', 'file.uploaded', { fileId: null }, /file_id is missing/],
    ['has an unknown field', 'file.uploaded', { fileId: FILE, fileID: FILE }, /fileID is not a field of this event/],
    ['names what its type fixes', 'file.uploaded', { fileId: FILE, resourceType: 'x' }, /resourceType is not a field/],
    ['has a value of another type', 'file.uploaded', { fileId: FILE, bytes: 'many' }, /bytes .*expected number/],
    ['has a value that OTel cannot carry', 'file.uploaded', { fileId: FILE, bytes: {} }, /bytes .*expected number/],
    ['has NaN as a number', 'file.uploaded', { fileId: FILE, bytes: Number.NaN }, /bytes .*expected number/],
    ['has a time in seconds', 'user.login', { userId: 'u', at: 1_700_000_000 }, /at is out of range/],
    ['has an invalid time', 'user.login', { userId: 'u', at: new Date(Number.NaN) }, /at must be a date/],
    ['has an invalid id', 'user.login', { userId: 'u', eventId: 7 }, /eventId must be text/],
    [
      'has a text that is too long',
      'extraction.failed',
      { jobId: 'j', message: huge },
      /message is cut to 32768 characters/,
    ],
    ['is undefined', 'user.login', undefined, /was not sent/],
  ])('is reported to diag and does not throw: it %s', async (_what, type, fields, problem) => {
    await using sdk = startRecordingSdk();
    expect(call(type, fields)).toMatch(/^[0-9a-f-]{36}$/);
    expect(sdk.problems).toEqual([expect.stringMatching(problem)]);
    expect(sdk.problems[0]).toContain(type);
  });

  test('is sent for the collector to keep, so that it is not lost silently', async () => {
    await using sdk = startRecordingSdk();
    const id = call('file.uploaded', { fileId: FILE, bytes: -1 });
    expect(collected(sdk)).toMatchObject({ candidates: [], rejected: [{ record: { event_id: id, bytes: -1 } }] });
  });

  test('is still the event if only a name is mistyped or a text is too long', async () => {
    await using sdk = startRecordingSdk();
    call('extraction.failed', { jobId: 'j', message: huge, mesage: 'x' });
    expect(collected(sdk).candidates[0]?.body['message']).toBe(huge.slice(0, 32_768));
  });

  test('keeps its values out of the message, as they may be secrets', async () => {
    await using sdk = startRecordingSdk();
    call('view.download', { resourceType: 'CANARY', resourceId: 'x'.repeat(300), via: 'CANARY' });
    expect(sdk.problems).toHaveLength(1);
    expect(sdk.problems[0]).not.toContain('CANARY');
  });

  test('does no harm if the SDK or diag throws', async () => {
    await using sdk = startRecordingSdk();
    Object.defineProperty(sdk.records, 'push', {
      value: () => {
        throw new Error('a processor that throws');
      },
    });
    expect(clowderEvents.fileDeleted({ fileId: FILE })).toMatch(/^[0-9a-f-]{36}$/);
    expect(sdk.problems).toEqual([expect.stringContaining('a processor that throws')]);
    Object.defineProperty(sdk.problems, 'push', {
      value: () => {
        throw new Error('a logger that throws');
      },
    });
    expect(clowderEvents.fileDeleted({ fileId: FILE })).toMatch(/^[0-9a-f-]{36}$/);
  });
});

describe('the compiler', () => {
  test('knows a function for each type, and its required fields', () => {
    expectTypeOf<keyof typeof clowderEvents>().toEqualTypeOf<
      | 'fileUploaded' | 'fileDeleted' | 'fileArchived' | 'fileUnarchived'
      | 'datasetCreated' | 'datasetDeleted' | 'datasetArchived' | 'datasetUnarchived'
      | 'collectionCreated' | 'collectionDeleted' | 'spaceCreated' | 'spaceDeleted'
      | 'extractionQueued' | 'extractionWorking' | 'extractionDone' | 'extractionFailed'
      | 'viewPage' | 'viewResource' | 'viewEnded' | 'viewDownload' | 'userLogin' | 'userSignup' | 'healthPing' | 'healthConnections'
    >(); // prettier-ignore
    expectTypeOf<{ fileId: string; bytes: number; at: Date }>().toExtend<EventInput<'file.uploaded'>>();
    expectTypeOf<{ bytes: number }>().not.toExtend<EventInput<'file.uploaded'>>();
    expectTypeOf<{ fileId: undefined }>().not.toExtend<EventInput<'file.uploaded'>>();
    expectTypeOf<{ fileId: string; bytes: string }>().not.toExtend<EventInput<'file.uploaded'>>();
    expectTypeOf<{ jobId: string }>().toExtend<EventInput<'extraction.done'>>();
    expectTypeOf<{ datasetId: string }>().toExtend<EventInput<'extraction.queued'>>();
    expectTypeOf<{ jobId: string }>().not.toExtend<EventInput<'extraction.queued'>>();
    expectTypeOf<{ message: string }>().not.toExtend<EventInput<'extraction.done'>>();
    expectTypeOf<{ resourceType: 'file'; resourceId: string }>().toExtend<EventInput<'view.download'>>();
    expectTypeOf<{ resourceType: 'space'; resourceId: string }>().not.toExtend<EventInput<'view.download'>>();
    expectTypeOf<{ windowStart: number; windowEnd: number; requests: number; responses2xx: number }>().toExtend<
      EventInput<'health.connections'>
    >();
    // @ts-expect-error a mistyped field
    expect(clowderEvents.fileUploaded({ fileId: FILE, bites: 1 })).toBeTypeOf('string');
    // @ts-expect-error what the type fixes
    expect(clowderEvents.fileUploaded({ fileId: FILE, resourceType: 'dataset' })).toBeTypeOf('string');
  });

  test('finds no logger provider, as none is set', () => {
    expect(logs.getLogger('test').enabled()).toBe(false);
  });
});
