import { describe, expect, it } from 'vitest';
import { readHeartbeat } from './heartbeat.ts';
import { readJobMessage } from './job-message.ts';
import { readStatusMessage, wallClock } from './status-message.ts';

const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));

const FILE = '65a55e550000000000000001';
const DATASET = '65a55e550000000000000002';
const JOB = '65a55e550000000000000003';

describe('a status message', () => {
  const wire = {
    file_id: FILE,
    extractor_id: 'ncsa.wordcount',
    job_id: JOB,
    status: 'StatusMessage.start: Started processing.',
    start: '2025-01-20T08:30:27-06:00',
    message_type: 'StatusMessage.start',
    message: 'Started processing.',
  };

  it('of pyclowder 3 is read', () => {
    expect(readStatusMessage(json(wire))).toEqual({
      jobId: JOB,
      extractor: 'ncsa.wordcount',
      resourceId: FILE,
      word: 'start',
      message: 'Started processing.',
      clock: '2025-01-20T08:30:27',
      clockMs: Date.UTC(2025, 0, 20, 8, 30, 27),
      statedMs: Date.UTC(2025, 0, 20, 14, 30, 27),
      userId: undefined,
    });
  });

  it('of pyclowder 2 is read: it has only the status, and perhaps no job', () => {
    const { message_type: _type, message: _message, ...old } = wire;
    expect(readStatusMessage(json({ ...old, job_id: null }))).toMatchObject({
      jobId: undefined,
      word: 'start',
      message: 'Started processing.',
    });
  });

  it('keeps its text if that is empty or has a colon', () => {
    expect(readStatusMessage(json({ ...wire, message: 'a: b' }))?.message).toBe('a: b');
    expect(readStatusMessage(json({ ...wire, message: '' }))?.message).toBe('');
  });

  it.each([
    ['invalid JSON', Buffer.from('{"extractor_id"')],
    ['a list', json([wire])],
    ['without an extractor', json({ ...wire, extractor_id: undefined })],
    ['with a number as its status', json({ ...wire, status: 3 })],
    ['empty', Buffer.alloc(0)],
  ])('is not read if it is %s', (_what, content) => {
    expect(readStatusMessage(content)).toBeUndefined();
  });

  it('has no time if its time is invalid', () => {
    expect(readStatusMessage(json({ ...wire, start: 'soon' }))).toMatchObject({ clock: 'soon', statedMs: undefined });
  });

  it('has the same wall clock time as in Clowder v2, which drops the offset', () => {
    expect(wallClock('2025-01-20T08:30:27-06:00')).toBe(wallClock('2025-01-20T08:30:27'));
    expect(wallClock('2025-01-20 08:30:27.000000')).toBe('2025-01-20T08:30:27');
  });
});

describe('a job of Clowder v1', () => {
  const wire = {
    notifies: ['ada@example.org'],
    msgid: 'm',
    id: FILE,
    jobid: JOB,
    intermediateId: FILE,
    fileSize: '11',
    host: 'http://clowder.example.org',
    datasetId: DATASET,
    flags: '',
    secretKey: 'r1ek3rs',
    routing_key: 'extractors.ncsa.wordcount',
    source: { id: { resourceType: "'file", id: FILE }, mimeType: 'text/plain', extra: { filename: 'a.txt' } },
    activity: 'submitted',
    target: '{}',
    filename: 'a.txt',
  };
  const subjectOf = (change: object): unknown => readJobMessage(json({ ...wire, ...change }))?.subject;

  it('is read, without its key', () => {
    const job = readJobMessage(json(wire));
    expect(job).toEqual({
      jobId: JOB,
      subject: { fileId: FILE, datasetId: DATASET },
      resourceName: 'a.txt',
      retries: 0,
    });
  });

  it.each([
    ['clowder.file.text.plain', { id: FILE }, { fileId: FILE, datasetId: DATASET }],
    // The file was added to a dataset, and pyclowder analyses the dataset.
    ['clowder.dataset.file.added', { id: FILE }, { datasetId: DATASET }],
    ['clowder.dataset.files.added', { id: DATASET }, { datasetId: DATASET }],
    ['extractors.ncsa.wordcount', { id: DATASET }, { datasetId: DATASET }],
    ['clowder.metadata.added.dataset', { id: DATASET }, { datasetId: DATASET }],
    ['clowder.metadata.removed.file', { id: FILE, datasetId: '' }, { fileId: FILE, datasetId: undefined }],
    ['clowder.query.image.jpeg', { id: FILE, datasetId: '' }, { resourceId: FILE }],
    ['clowder.index.image.jpeg', { id: FILE, datasetId: '' }, { resourceId: FILE }],
  ])('submitted as %s is about the right resource', (routingKey, change, subject) => {
    expect(subjectOf({ routing_key: routingKey, ...change })).toEqual(subject);
  });

  it('that was resubmitted says how often', () => {
    expect(readJobMessage(json({ ...wire, retry_count: 2 }))?.retries).toBe(2);
  });

  it.each([
    ['without an id', { id: undefined }],
    ['without a host', { host: undefined }],
    ['with an empty id', { id: '' }],
    ['with an enormous id', { id: 'x'.repeat(1000) }],
  ])('is not read if it is %s', (_what, change) => {
    expect(readJobMessage(json({ ...wire, ...change }))).toBeUndefined();
  });
});

describe('a job of Clowder v2', () => {
  const common = { host: 'http://clowder', secretKey: 's', retry_count: 0, flags: '', job_id: JOB, parameters: null };

  it('of a file is read', () => {
    const wire = { ...common, resource_type: 'file', filename: 'a.txt', fileSize: 11, id: FILE, datasetId: DATASET };
    expect(readJobMessage(json(wire))).toEqual({
      jobId: JOB,
      subject: { fileId: FILE, datasetId: DATASET },
      resourceName: 'a.txt',
      retries: 0,
    });
  });

  it('of a dataset is read', () => {
    const wire = { ...common, resource_type: 'dataset', datasetName: 'Soil', id: DATASET, datasetId: DATASET };
    expect(readJobMessage(json(wire))).toMatchObject({ subject: { datasetId: DATASET }, resourceName: 'Soil' });
  });
});

describe('a heartbeat', () => {
  const wire = {
    id: 'i',
    queue: 'ncsa.wordcount',
    owner: 'ada@example.org',
    extractor_info: { name: 'ncsa.wordcount', version: '2.1' },
  };

  it('is read without its owner', () => {
    expect(readHeartbeat(json(wire))).toEqual({
      instance: 'i',
      queue: 'ncsa.wordcount',
      name: 'ncsa.wordcount',
      version: '2.1',
    });
  });

  it('may have a number as its version, or an invalid version', () => {
    const version = (of: unknown): unknown =>
      readHeartbeat(json({ ...wire, extractor_info: { name: 'x', version: of } }))?.version;
    expect([version(2), version({}), version(undefined)]).toEqual(['2', undefined, undefined]);
  });

  it.each([
    ['without a name', { ...wire, extractor_info: {} }],
    ['without a queue', { ...wire, queue: '' }],
    ['without an id', { ...wire, id: undefined }],
    ['a text', 'heartbeat'],
  ])('is not read if it is %s', (_what, value) => {
    expect(readHeartbeat(json(value))).toBeUndefined();
  });
});
