import { describe, expect, test } from 'vitest';
import { fromCloudEvent } from './cloud-events.ts';
import { cloudEventId } from './event-id.ts';

const event = {
  specversion: '1.0',
  id: 'a-1',
  source: '/scripts/nightly',
  type: 'dataset.created',
  time: '2026-09-21T14:13:20.123Z',
  data: { resource_id: 'd1', resource_name: 'Soil' },
};

/** The stated event; fails if it is not a CloudEvent. */
function stated(value: unknown): Record<string, unknown> {
  const converted = fromCloudEvent(value);
  if (!converted.ok) throw new Error(JSON.stringify(converted.issues));
  return converted.event;
}

function fieldsAtFault(value: unknown): readonly string[] {
  const converted = fromCloudEvent(value);
  return converted.ok ? [] : converted.issues.map(({ field }) => field);
}

describe('a CloudEvent', () => {
  test('gives type, id and time to the event, and the rest from its data', () => {
    expect(stated(event)).toEqual({
      event: 'dataset.created',
      event_id: cloudEventId('/scripts/nightly', 'a-1'),
      created: Date.UTC(2026, 8, 21, 14, 13, 20, 123),
      resource_id: 'd1',
      resource_name: 'Soil',
    });
  });

  test.each(['dataset.created', 'clowder.dataset.created', 'org.clowderframework.dataset.created'])(
    'of type %s is a dataset.created',
    (type) => expect(stated({ ...event, type })['event']).toBe('dataset.created'),
  );

  test('loses only one prefix, and only at the beginning', () => {
    expect(stated({ ...event, type: 'clowder.clowder.x' })['event']).toBe('clowder.x');
    expect(stated({ ...event, type: 'my.clowder.x' })['event']).toBe('my.clowder.x');
  });

  test.each([
    ['2026-09-21T16:13:20+02:00', Date.UTC(2026, 8, 21, 14, 13, 20)],
    ['2026-09-21T14:13:20.123456789Z', Date.UTC(2026, 8, 21, 14, 13, 20, 123)],
  ])('at %s has Unix milliseconds', (time, created) => {
    expect(stated({ ...event, time })['created']).toBe(created);
  });

  test('without time or data has neither', () => {
    const { time: _time, data: _data, ...bare } = event;
    expect(stated(bare)).toEqual({ event: 'dataset.created', event_id: cloudEventId(event.source, event.id) });
  });

  test('is identified by source and id together', () => {
    const others = [event, { ...event, source: '/scripts/weekly' }, { ...event, id: 'a-2' }];
    expect(new Set(others.map((one) => stated(one)['event_id'])).size).toBe(3);
    expect(stated({ ...event, data: { ...event.data, event_id: 'own' } })['event_id']).toBe('own');
  });

  test('may have attributes without a meaning here', () => {
    expect(stated({ ...event, datacontenttype: 'application/json', dataschema: 'urn:x', traceparent: '00-1' })).toEqual(
      stated(event),
    );
  });
});

describe('the subject', () => {
  const about = (type: string, subject: string, data: object = {}) => fromCloudEvent({ ...event, type, subject, data });

  test.each([
    ['dataset.created', 'dataset/d2', { resource_type: 'dataset', resource_id: 'd2' }],
    ['file.uploaded', 'file/f1', { resource_type: 'file', resource_id: 'f1' }],
    ['view.download', 'collection/c', { resource_type: 'collection', resource_id: 'c' }],
    ['extraction.done', 'dataset/d', { dataset_id: 'd' }],
  ])('of %s may be %s', (type, subject, fields) =>
    expect(about(type, subject)).toMatchObject({ ok: true, event: fields }),
  );

  test.each([
    ['dataset.created', 'space/A/dataset/B'],
    ['dataset.created', 'd2'],
    ['dataset.created', 'file/f'],
    ['dataset.created', 'dataset/'],
    ['dataset.created', ''],
    ['view.download', 'space/s'],
    ['user.login', 'user/u'],
  ])('of %s must not be %j, which would name another resource or none', (type, subject) =>
    expect(about(type, subject)).toMatchObject({ ok: false, issues: [{ field: 'subject' }] }),
  );

  test('never overrides the data', () => {
    expect(stated({ ...event, subject: 'dataset/d9' })).toMatchObject({ resource_id: 'd1' });
  });
});

describe('the data', () => {
  const base64 = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64');
  const { data, ...bare } = event;

  test('may come in base64', () => expect(stated({ ...bare, data_base64: base64(data) })).toEqual(stated(event)));

  test.each([['AAAA'], [base64('text')], [base64([1])], ['']])('in base64 must be a JSON object: %j', (data_base64) =>
    expect(fieldsAtFault({ ...bare, data_base64 })).toEqual(['data_base64']),
  );

  test('may not come twice', () =>
    expect(fieldsAtFault({ ...event, data_base64: base64({}) })).toEqual(['data_base64']));

  test('never override the type', () => {
    expect(stated({ ...event, data: { ...data, event: 'file.deleted' } })['event']).toBe('dataset.created');
  });
});

test('an attribute that is null is unset', () => {
  const nulls = { subject: null, time: null, data_base64: null, datacontenttype: null };
  expect(stated({ ...event, ...nulls })).toEqual(stated({ ...event, time: undefined }));
  expect(fieldsAtFault({ ...event, id: null })).toEqual(['id']);
});

test('a null field in the data counts as unset, and removes nothing that the attributes say', () => {
  const data = { ...event.data, event_id: null, created: null, resource_name: null };
  expect(stated({ ...event, data })).toEqual(stated({ ...event, data: { resource_id: 'd1' } }));
});

describe('an invalid CloudEvent', () => {
  test.each([
    ['specversion', { ...event, specversion: '0.3' }],
    ['specversion', { ...event, specversion: undefined }],
    ['id', { ...event, id: '' }],
    ['id', { ...event, id: 7 }],
    ['id', { ...event, id: 'x'.repeat(129) }],
    ['source', { ...event, source: '' }],
    ['type', { ...event, type: undefined }],
    ['time', { ...event, time: 'yesterday' }],
    ['time', { ...event, time: 1_790_000_000_000 }],
    ['data', { ...event, data: 'text' }],
    ['data', { ...event, data: ['a'] }],
  ])('is reported with the wrong attribute: %s', (field, value) => expect(fieldsAtFault(value)).toEqual([field]));

  test('is reported with every wrong attribute at once', () => {
    expect(fieldsAtFault({}).toSorted()).toEqual(['id', 'source', 'specversion', 'type']);
  });

  test.each([null, [], 'text', 7, undefined])('is reported for %j', (value) =>
    expect(fromCloudEvent(value).ok).toBe(false),
  );
});
