import amqp from 'amqplib';
import { describe, expect, it } from 'vitest';
import { clowderOnBroker, objectId, startExtractor, type Plan } from '../support/extraction-broker.ts';
import { startJobApi } from '../support/job-api.ts';
import { observeExtractors } from '../support/observed-extractors.ts';
import { openVhost, type VirtualHost } from '../support/virtual-host.ts';
import { waitFor } from '../support/wait-for.ts';

const PLANS: Readonly<
  Record<string, { readonly plan: Plan; readonly sequence: readonly string[]; readonly replies: number }>
> = {
  'is done': {
    plan: {
      steps: ['processing: Uploading metadata.', 'processing: Uploading metadata.', 'processing: Uploading preview.'],
    },
    sequence: [
      'queued submitted',
      'working start',
      'working processing',
      'working processing',
      'working processing',
      'done done',
    ],
    replies: 5,
  },
  fails: {
    plan: { end: 'error', message: 'cannot read it' },
    sequence: ['queued submitted', 'working start', 'failed error'],
    replies: 2,
  },
  'is put back once and then done': {
    plan: { end: 'retry' },
    sequence: ['queued submitted', 'working start', 'working retry', 'working start', 'done done'],
    replies: 4,
  },
  'is told of at its end alone': {
    plan: { took: 30 },
    sequence: ['queued submitted', 'working start', 'done done'],
    replies: 2,
  },
  'is skipped': {
    plan: { end: 'skip' },
    sequence: ['queued submitted', 'working start', 'done skip'],
    replies: 3,
  },
};

describe.each(['v1', 'v2'] as const)('jobs of Clowder %s, seen by the firehose', (version) => {
  it("give the right events, each once, and Clowder's reply queue still gets every message", async () => {
    await using vhost = await ownVhost();
    await using clowder = await clowderOnBroker(vhost.url, version);
    await using _extractor = await startExtractor(vhost.url, { name: 'ncsa.wordcount', version: '2.1' });
    await using observed = await observeExtractors(vhost.url);
    await waitFor(() => observed.log().includes('the firehose is on'), { what: 'the firehose to be seen on' });
    await waitFor(() => observed.pings('ncsa.wordcount').length > 0, { what: 'a heartbeat' });
    const jobs = Object.entries(PLANS).map(([name, { plan, sequence }]) => {
      const [fileId, datasetId] = [objectId(), objectId()];
      return {
        name,
        sequence,
        fileId,
        datasetId,
        id: clowder.submit({ queue: 'ncsa.wordcount', plan, fileId, datasetId }),
      };
    });
    const datasetId = objectId();
    const dataset = clowder.submit({ queue: 'ncsa.wordcount', plan: {}, fileId: '', datasetId, dataset: true });
    await waitFor(() => observed.sequence(dataset).at(-1) === 'done done', { what: 'the last job to be done' });
    for (const { name, sequence, id, fileId, datasetId: of } of jobs) {
      expect({ name, sequence: observed.sequence(id) }).toEqual({ name, sequence });
      for (const { fields, source } of observed.ofJob(id)) {
        expect(fields).toMatchObject({
          file_id: fileId,
          dataset_id: of,
          extractor_name: 'ncsa.wordcount',
          extractor_version: '2.1',
          resource_name: 'a.txt',
        });
        expect(source).toBe('rabbitmq');
      }
    }
    expect(observed.sequence(dataset)).toEqual(['queued submitted', 'working start', 'done done']);
    for (const { fields } of observed.ofJob(dataset)) {
      expect(fields).toMatchObject({ dataset_id: datasetId });
      expect(fields.file_id).toBeUndefined();
    }
    const [long] = observed.ofJob(
      jobs.find(({ name }) => name === 'is told of at its end alone')?.id ?? '',
      'extraction.done',
    );
    expect(long?.fields.duration_ms).toBeGreaterThanOrEqual(30_000);
    const [quick] = observed.ofJob(jobs.find(({ name }) => name === 'is skipped')?.id ?? '', 'extraction.done');
    expect(quick?.fields.duration_ms).toBeUndefined();
    expect(new Set(observed.events.map(({ id }) => id).filter(Boolean)).size).toBe(
      observed.events.filter(({ type }) => type.startsWith('extraction.')).length,
    );
    expect(clowder.replies).toHaveLength(Object.values(PLANS).reduce((sum, { replies }) => sum + replies, 2));
  });
});

describe('the firehose', () => {
  it('brings many foreign messages and some unreadable ones, which are only counted', async () => {
    await using vhost = await ownVhost();
    await using observed = await observeExtractors(vhost.url);
    await waitFor(() => observed.log().includes('the firehose is on'), { what: 'the firehose to be seen on' });
    await using sender = await openChannel(vhost.url);
    for (const body of [
      '{"extractor_id": 3}',
      '{"secretKey": "s"',
      'hello',
      '{"a": 1}',
      '',
      '{"extractor_id": "x", "status": "StatusMessage.start: s", "job_id": "j"}',
    ])
      sender.channel.publish('', 'nobody', Buffer.from(body));
    await waitFor(() => observed.ofJob('j').length === 1, { what: 'the one message that is a status' });
    const counted = await observed.metric('clowder.extractors.firehose.messages');
    expect(counted).toEqual({ '{"kind":"not understood"}': 2, '{"kind":"other"}': 3, '{"kind":"status"}': 1 });
  });

  it('has a bounded queue of ours, which is made again if its bounds change and is never consumed twice', async () => {
    await using vhost = await ownVhost();
    {
      await using observed = await observeExtractors(vhost.url, { settings: { firehose: { max_length: 1000 } } });
      await waitFor(() => observed.log().includes('the firehose is on'), { what: 'the queue to be there' });
    }
    await using observed = await observeExtractors(vhost.url, { settings: { firehose: { max_length: 100 } } });
    await waitFor(() => observed.log().includes('the firehose is on'), {
      what: 'the queue to be made again',
    });
    await using second = await observeExtractors(vhost.url, { settings: { firehose: { max_length: 100 } } });
    await waitFor(() => second.log().includes('ACCESS_REFUSED'), { what: 'the second one to be refused' });
    await observed.running.stop();
    await waitFor(() => second.log().includes('the firehose is on'), {
      what: 'the second one to take over',
    });
    await second.running.stop();
    // Without a consumer, messages fill the queue up to its bound.
    await using sender = await openChannel(vhost.url);
    for (let index = 0; index < 500; index += 1) sender.channel.publish('', 'nobody', Buffer.from(`${index}`));
    await waitFor(async () => (await sender.channel.checkQueue('clowder-otel.firehose')).messageCount === 100, {
      what: 'the queue to be full',
    });
    await using third = await observeExtractors(vhost.url, { settings: { firehose: { max_length: 100 } } });
    await waitFor(async () => Object.values(await third.metric('clowder.extractors.firehose.full'))[0] === 1, {
      what: 'the full queue to be counted',
    });
  });

  it('makes the monitor ask Clowder for its jobs while it is off, and stop asking once it is on again', async () => {
    await using vhost = await ownVhost({ traced: false });
    await using api = await startJobApi();
    const [jobId, fileId] = [objectId(), objectId()];
    const job = {
      id: jobId, listener_id: 'ncsa.x', resource_ref: { collection: 'files', resource_id: fileId }, creator: { id: 'u', first_name: 'Ada' },
      created: '2026-01-20T10:00:00.500000', started: '2026-01-20T10:00:01', updated: '2026-01-20T10:00:01', finished: null, duration: 0, latest_message: 'Started processing.', status: 'STARTED',
    }; // prettier-ignore
    const updates = [{ job_id: jobId, status: 'Started processing.', timestamp: '2026-01-20T10:00:01', id: 'a' }];
    Object.assign(api.answers, {
      '/api/v2/jobs': { metadata: {}, data: [] },
      [`/api/v2/jobs/${jobId}/updates`]: updates,
    });
    const settings = { poll: { url: `${api.url}/`, api_key: 'the-key', interval: '100ms' } };
    await using observed = await observeExtractors(vhost.url, { settings });
    await waitFor(() => api.asked.length > 1, { what: 'Clowder to be asked' });
    expect(api.asked[0]).toMatchObject({
      path: '/api/v2/jobs?skip=0&limit=100',
      headers: { 'user-agent': 'clowder-otel-monitor/0.0.0-test', 'x-api-key': 'the-key' },
    });
    api.answers['/api/v2/jobs'] = { metadata: {}, data: [job] };
    await waitFor(() => observed.sequence(jobId).length === 2, { what: 'the job' });
    api.status = 500;
    await waitFor(async () => ((await observed.metric('clowder.extractors.polls'))['{"outcome":"failed"}'] ?? 0) > 1, {
      what: 'Clowder to fail',
    });
    updates.push({ job_id: jobId, status: 'Done processing.', timestamp: '2026-01-20T10:00:05', id: 'b' });
    Object.assign(job, {
      status: 'SUCCEEDED',
      finished: '2026-01-20T10:00:05',
      updated: '2026-01-20T10:00:05',
      duration: 4,
      latest_message: 'Done processing.',
    });
    api.status = 200;
    await waitFor(() => observed.sequence(jobId).length === 3, { what: 'the end of the job' });
    expect(observed.sequence(jobId)).toEqual(['queued submitted', 'working start', 'done done']);
    expect(observed.ofJob(jobId).at(-1)).toMatchObject({
      source: 'monitor',
      createdMs: Date.UTC(2026, 0, 20, 10, 0, 5),
      fields: { duration_ms: 4000, file_id: fileId, user_id: 'u' },
    });
    expect(observed.log()).not.toContain('the-key');
    await vhost.trace();
    await waitFor(() => observed.log().includes('the firehose is on'), {
      what: 'the firehose to be seen on',
    });
    const asked = api.asked.length;
    const rounds = await observed.metric('clowder.extractors.polls');
    await using sender = await openChannel(vhost.url);
    sender.channel.publish('', 'nobody', Buffer.from('{"extractor_id": "x", "status": "DONE", "job_id": "j"}'));
    await waitFor(() => observed.ofJob('j').length === 1, { what: 'a job by the firehose' });
    expect(api.asked.length - asked).toBeLessThanOrEqual(1);
    expect(Object.keys(rounds)).not.toContain('{"outcome":"cut short"}');
  });
});

describe('Clowder v1, which has no list of jobs', () => {
  it('is asked for the files that our own events name', async () => {
    await using vhost = await ownVhost({ traced: false });
    await using api = await startJobApi();
    const [fileId, jobId] = [objectId(), objectId()];
    const settings = { jobs: 'poll', poll: { url: api.url, interval: '100ms' } };
    await using sender = await openChannel(vhost.url);
    await sender.channel.assertExchange('clowder.events', 'topic', { durable: true });
    await using observed = await observeExtractors(vhost.url, { clowder: 'v1', settings });
    const path = `/api/extractions/${fileId}/status`;
    api.answers[path] = { 'ncsa.x': 'SUBMITTED', Status: 'Processing' };
    const queued = {
      event_id: 'e',
      event: 'extraction.queued',
      created: Date.now(),
      file_id: fileId,
      job_id: jobId,
      extractor_name: 'ncsa.x',
    };
    const publish = (): unknown =>
      sender.channel.publish('clowder.events', 'extraction.queued', Buffer.from(JSON.stringify(queued)));
    // The monitor's queue appears a moment after the exchange.
    await waitFor(() => publish() !== undefined && api.asked.some((one) => one.path === path), {
      what: 'the file to be asked for',
      everyMs: 200,
    });
    await waitFor(() => observed.sequence(jobId).length === 1, { what: 'the job to be seen queued' });
    api.answers[path] = { 'ncsa.x': 'StatusMessage.start: Started processing.', Status: 'Processing' };
    await waitFor(() => observed.sequence(jobId).length === 2, { what: 'the job to be seen at work' });
    api.answers[path] = { 'ncsa.x': 'DONE', Status: 'Done' };
    await waitFor(() => observed.sequence(jobId).length === 3, { what: 'the job to be seen done' });
    expect(observed.sequence(jobId)).toEqual(['queued submitted', 'working start', 'done done']);
    for (const { fields } of observed.ofJob(jobId))
      expect(fields).toMatchObject({ file_id: fileId, extractor_name: 'ncsa.x' });
  });
});

async function openChannel(url: string): Promise<AsyncDisposable & { readonly channel: amqp.Channel }> {
  const connection = await amqp.connect(url);
  return {
    channel: await connection.createChannel(),
    [Symbol.asyncDispose]: () => connection.close(),
  };
}

/** A virtual host with its firehose on: v1 and v2 declare exchange `clowder` differently. */
async function ownVhost({ traced = true } = {}): Promise<VirtualHost> {
  const vhost = await openVhost();
  if (traced) await vhost.trace();
  return vhost;
}
