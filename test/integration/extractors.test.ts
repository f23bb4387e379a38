import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { clowderOnBroker, objectId, startExtractor, type Plan } from '../support/extraction-broker.ts';
import { observeExtractors } from '../support/observed-extractors.ts';
import { startRabbitNode, type RabbitNode } from '../support/rabbitmq-node.ts';
import { waitFor } from '../support/wait-for.ts';

let node: RabbitNode;

beforeAll(async () => {
  node = await startRabbitNode();
  await node.rabbitmqctl('trace_on');
}, 120_000);
afterAll(async () => node?.stop());

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
  'is skipped': {
    plan: { end: 'skip' },
    sequence: ['queued submitted', 'working start', 'done skip'],
    replies: 3,
  },
};

describe.each(['v1', 'v2'] as const)('jobs of Clowder %s, seen by the firehose', (version) => {
  it('give the right events, each once, while its reply queue gets every message', async () => {
    await using vhost = await ownVhost(`jobs-${version}`);
    await using clowder = await clowderOnBroker(vhost.url, version);
    await using _extractor = await startExtractor(vhost.url, { name: 'ncsa.wordcount', version: '2.1' });
    await using observed = await observeExtractors(vhost.url);
    await waitFor(() => observed.log().includes('the firehose is on'), { what: 'the firehose to be seen' });
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
    const [done] = observed.ofJob(jobs[0]?.id ?? '', 'extraction.done');
    expect(done?.fields.duration_ms).toBeGreaterThanOrEqual(0);
    expect(new Set(observed.events.map(({ id }) => id).filter(Boolean)).size).toBe(
      observed.events.filter(({ type }) => type.startsWith('extraction.')).length,
    );
    expect(clowder.replies).toHaveLength(Object.values(PLANS).reduce((sum, { replies }) => sum + replies, 2));
  });
});

interface Vhost extends AsyncDisposable {
  readonly url: string;
}

/** A virtual host with its firehose on: v1 and v2 declare exchange `clowder` differently. */
async function ownVhost(name: string, { traced = true } = {}): Promise<Vhost> {
  await node.rabbitmqctl('add_vhost', name);
  await node.rabbitmqctl('set_permissions', '-p', name, 'guest', '.*', '.*', '.*');
  if (traced) await node.rabbitmqctl('trace_on', '-p', name);
  return {
    url: `${node.url}/${name}`,
    [Symbol.asyncDispose]: async () => void (await node.rabbitmqctl('delete_vhost', name)),
  };
}
