import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readTraced } from './traced-message.ts';
import { runs } from '../../../test/support/form.ts';

const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
const to = (queue: string): Record<string, unknown> => ({
  exchange_name: '',
  routing_keys: [queue],
  routed_queues: [queue],
});

const JOB = { id: 'f', datasetId: 'd', host: 'http://c', secretKey: 's', jobid: 'j', routing_key: 'extractors.ncsa.x' };
const STATUS = {
  file_id: 'f',
  extractor_id: 'ncsa.x',
  job_id: 'j',
  status: 'StatusMessage.start: Started processing.',
};

describe('a message of the firehose', () => {
  it('is a job if Clowder sends one to an extractor', () => {
    expect(readTraced({ headers: to('ncsa.x'), content: json(JOB) })).toMatchObject({
      what: 'job',
      queue: 'ncsa.x',
      job: { jobId: 'j' },
    });
  });

  it('is a job if it went through an exchange to one queue', () => {
    const headers = { exchange_name: 'clowder', routing_keys: ['clowder.file.text'], routed_queues: ['ncsa.x'] };
    expect(readTraced({ headers, content: json(JOB) })).toMatchObject({ what: 'job', queue: 'ncsa.x' });
    const several = { ...headers, routed_queues: ['ncsa.x', 'ncsa.y'] };
    expect(readTraced({ headers: several, content: json(JOB) }).what).toBe('other');
  });

  it('is a status message wherever an extractor sends it', () => {
    expect(readTraced({ headers: to('clowder.abc'), content: json(STATUS) })).toMatchObject({
      what: 'status',
      status: { jobId: 'j' },
    });
  });

  it.each(['error.ncsa.x', 'clowder.jobs.temp', 'error.private.key.ncsa.x'])(
    'that goes to %s is no new job',
    (queue) => {
      expect(readTraced({ headers: to(queue), content: json(JOB) }).what).toBe('other');
    },
  );

  it('is a job even if its parameters have an extractor_id', () => {
    const content = json({ ...JOB, parameters: { extractor_id: 'x' } });
    expect(readTraced({ headers: to('ncsa.x'), content }).what).toBe('job');
  });

  it.each([
    ['of another program', Buffer.from('{"a":1}'), 'other'],
    ['that is text', Buffer.from('hello "extractor_id"'), 'other'],
    ['that is empty', Buffer.alloc(0), 'other'],
    ['that is enormous', Buffer.concat([json(STATUS), Buffer.alloc(2 ** 20, 0x20)]), 'other'],
    ['with a broken status', Buffer.from('{"extractor_id": '), 'not understood'],
    ['with a broken job', Buffer.from('{"secretKey": "s", '), 'not understood'],
  ])('%s is %3$s', (_what, content, what) => {
    expect(readTraced({ headers: to('q'), content }).what).toBe(what);
  });

  it('never causes an error, whatever it is', () => {
    const values = fc.oneof(
      fc.json(),
      fc.string(),
      fc.constant(JSON.stringify(JOB)),
      fc.constant(JSON.stringify(STATUS)),
    );
    fc.assert(
      fc.property(
        values,
        fc.dictionary(fc.constantFrom('exchange_name', 'routing_keys', 'routed_queues'), fc.anything()),
        fc.nat(200),
        (text, headers, cut) => {
          const body = text.slice(0, Math.max(1, text.length - cut));
          for (const content of [Buffer.from(text), Buffer.from(body)])
            expect(['status', 'job', 'other', 'not understood']).toContain(readTraced({ headers, content }).what);
        },
      ),
      runs(500),
    );
  });
});
